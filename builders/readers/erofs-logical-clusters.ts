import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";

/**
 * What the index says of one logical cluster (Linux fs/erofs/erofs_fs.h, "on-disk compressed data index"). A head
 * starts a run of compressed bytes at `offset` within itself; what comes before belongs to the run before it.
 */
export type LogicalCluster = {
  readonly type: "plain" | "head1" | "nonhead" | "head2";
  readonly offset: number;
  /** of a head: the first block of its run */
  readonly block: number;
  /** of the one behind a head: blocks of the run, if it says so */
  readonly compressedBlocks: number | null;
};

export type ClusterIndex = {
  readonly clusters: readonly LogicalCluster[];
  /** byte behind the index, where a tail may be inlined */
  readonly end: number;
};

type Place = {
  /** byte of the first entry */
  readonly at: number;
  /** number of logical clusters */
  readonly count: number;
  /** log2 of the bytes of a logical cluster */
  readonly bits: number;
  /** whether runs may be longer than one block */
  readonly big: boolean;
};

const TYPES = ["plain", "head1", "nonhead", "head2"] as const;
const NONHEAD = 2;
/** of a distance to the head: it is a number of blocks instead */
const IS_BLOCK_COUNT = 0x800;
const FULL_BYTES = 8;

const nonhead = (value: number): LogicalCluster => ({
  type: "nonhead",
  offset: 0,
  block: 0,
  compressedBlocks: (value & IS_BLOCK_COUNT) === 0 ? null : value & ~IS_BLOCK_COUNT,
});

/** The full index: struct z_erofs_lcluster_index, 8 bytes for each logical cluster. */
export async function readFullIndex(image: RandomAccess, { at, count }: Place): Promise<ClusterIndex> {
  const table = Buffer.from(await image.readAt(at, count * FULL_BYTES));
  const clusters = Array.from({ length: count }, (_, index): LogicalCluster => {
    const entry = table.subarray(index * FULL_BYTES, (index + 1) * FULL_BYTES);
    const type = entry.readUInt16LE(0) & 3;
    if (type === NONHEAD) return nonhead(entry.readUInt16LE(4));
    const block = entry.readUInt32LE(4);
    return { type: TYPES[type] ?? "plain", offset: entry.readUInt16LE(2), block, compressedBlocks: null };
  });
  return { clusters, end: at + table.length };
}

/** One pack of the compact index: `entries` values of some bits each, then the block that the first run in it has. */
type Pack = {
  readonly bytes: Buffer;
  readonly entries: number;
  readonly valueBits: number;
  readonly entryBits: number;
};

function valueIn(pack: Pack, index: number): { value: number; type: number } {
  const bit = index * pack.entryBits;
  const word = pack.bytes.readUInt32LE(bit >> 3) >>> (bit & 7);
  return { value: word & (2 ** pack.valueBits - 1), type: (word >>> pack.valueBits) & 3 };
}

/** Blocks that runs of this pack before entry `index` take up (Linux fs/erofs/zmap.c, z_erofs_load_compact_lcluster). */
function blocksBefore(pack: Pack, index: number, big: boolean): number {
  let blocks = big ? 0 : 1;
  for (let at = index; at > 0; ) {
    at -= 1;
    const { value, type } = valueIn(pack, at);
    if (type !== NONHEAD) {
      blocks += 1;
      continue;
    }
    if (!big) {
      at -= value;
      if (at >= 0) blocks += 1;
    } else if ((value & IS_BLOCK_COUNT) !== 0) {
      at -= 1;
      blocks += value & ~IS_BLOCK_COUNT;
    } else {
      if (value <= 1) throw new RangeError(`distance ${value} to a head whose run may be long`);
      at -= value - 2;
    }
  }
  return blocks;
}

function entryOf(pack: Pack, index: number, big: boolean): LogicalCluster {
  const { value, type } = valueIn(pack, index);
  if (type === NONHEAD) return nonhead(value);
  const base = pack.bytes.readUInt32LE(pack.bytes.length - 4);
  return {
    type: TYPES[type] ?? "plain",
    offset: value,
    block: base + blocksBefore(pack, index, big),
    compressedBlocks: null,
  };
}

/**
 * The compact index: packs of 2 entries in 8 bytes up to a 32-byte boundary, then, where told, packs of 16 in 32
 * bytes, then packs of 2 again.
 */
export async function readCompactIndex(
  image: RandomAccess,
  { at, count, bits, big, compact2 }: Place & { readonly compact2: boolean },
): Promise<ClusterIndex> {
  if (bits > 14 || (compact2 && bits > 12))
    throw imageFault(image.name, at, `a compact index of 2^${bits}-byte clusters`);
  const first = (((32 - (at % 32)) / 4) & 7) % 8;
  const middle = compact2 && first < count ? Math.floor((count - first) / 16) * 16 : 0;
  const valueBits = Math.max(bits, 12);
  const clusters: LogicalCluster[] = [];
  let next = at;
  while (clusters.length < count) {
    const done = clusters.length;
    const inMiddle = done >= Math.min(first, count) && done < first + middle;
    const [entries, length] = inMiddle ? [16, 32] : [2, 8];
    const entryBits = ((length - 4) * 8) / entries;
    const bytes = Buffer.from(await image.readAt(next, length));
    const pack: Pack = { bytes, entries, valueBits, entryBits };
    try {
      for (let index = 0; index < Math.min(entries, count - done); index++) clusters.push(entryOf(pack, index, big));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw imageFault(image.name, next, error.message, error);
    }
    next += length;
  }
  return { clusters, end: next };
}

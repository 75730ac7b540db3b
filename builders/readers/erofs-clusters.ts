import { type LogicalCluster, readCompactIndex, readFullIndex } from "./erofs-logical-clusters.ts";
import type { Erofs } from "./erofs-superblock.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

/** Where an inode tells where its data lies. */
export type ErofsMap = { readonly at: number; readonly length: number; readonly name: "chunk" | "compression" };

/** A run of compressed bytes, and what of the file it holds. */
export type ErofsCluster = {
  /** where it starts in the image, and its bytes there */
  readonly at: number;
  readonly length: number;
  /** the first byte of the file that it holds, and how many */
  readonly offset: number;
  readonly decodedBytes: number;
  /** whether the bytes are stored as they are */
  readonly plain: boolean;
};

/** struct z_erofs_map_header of Linux fs/erofs/erofs_fs.h. */
const MAP_HEADER = structure([
  ["fragment or inline size", 4],
  ["advice", 2],
  ["algorithms", 1],
  ["cluster bits", 1],
]);
const ADVICE = { compact2: 0x1, big1: 0x2, big2: 0x4, inline: 0x8, interlaced: 0x10, fragment: 0x20 } as const;
const KNOWN_ADVICE = 0x3f;
const ALL_FRAGMENT = 0x80;
const MAX_INDEX_ENTRIES = 16 * 1024 * 1024;

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;
const isHead = (one: LogicalCluster): boolean => one.type !== "nonhead";

/**
 * Blocks of the compressed run that starts at `index`: one, unless runs of its kind may be longer and the logical
 * cluster behind it says how long (Linux fs/erofs/zmap.c, z_erofs_get_extent_compressedlen).
 */
function blocksOf(clusters: readonly LogicalCluster[], index: number, advice: number): number {
  const big = clusters[index]?.type === "head1" ? (advice & ADVICE.big1) !== 0 : (advice & ADVICE.big2) !== 0;
  const next = clusters[index + 1];
  return big && next?.type === "nonhead" ? (next.compressedBlocks ?? 1) : 1;
}

/**
 * The runs of compressed bytes of a file, out of the index behind its inode. Data that stands in the shared packed file
 * (fragments) has no run here. A run of several clusters' worth is exact: its length comes from the index, not from
 * where the next one starts.
 * @param place byte behind the inode's attributes, the file's size, and which of the two forms its index has
 * @throws BuildError OutputInvalid on an index that contradicts itself or points outside the image
 */
export async function readClusters(
  image: RandomAccess,
  erofs: Erofs,
  place: { readonly at: number; readonly size: number; readonly compact: boolean },
): Promise<{ map: ErofsMap; clusters: ErofsCluster[] }> {
  const { size, compact } = place;
  const headerAt = alignUp(place.at, 8);
  const header = decode(MAP_HEADER, await image.readAt(headerAt, MAP_HEADER.bytes));
  const clusterBits = header.number("cluster bits");
  if ((clusterBits & ALL_FRAGMENT) !== 0) {
    return { map: { at: headerAt, length: MAP_HEADER.bytes, name: "compression" }, clusters: [] };
  }
  const advice = header.number("advice");
  if ((advice & ~KNOWN_ADVICE) !== 0) throw imageFault(image.name, headerAt, `advice 0x${advice.toString(16)}`);
  const bits = Math.log2(erofs.blockBytes) + (clusterBits & 7);
  const count = Math.ceil(size / 2 ** bits);
  if (count > MAX_INDEX_ENTRIES) throw imageFault(image.name, headerAt, `${count} logical clusters`);
  // the full form leaves another 8 bytes free
  const indexAt = headerAt + MAP_HEADER.bytes + (compact ? 0 : 8);
  const options = { at: indexAt, count, bits, big: (advice & ADVICE.big1) !== 0 };
  const index = compact
    ? await readCompactIndex(image, { ...options, compact2: (advice & ADVICE.compact2) !== 0 })
    : await readFullIndex(image, options);
  const map: ErofsMap = { at: headerAt, length: index.end - headerAt, name: "compression" };
  const tail = {
    inline: (advice & ADVICE.inline) !== 0 ? header.number("fragment or inline size") >>> 16 : null,
    fragment: (advice & ADVICE.fragment) !== 0,
  };
  // a head that starts where the file ends only closes the run before it
  const startOf = (number: number): number => number * 2 ** bits + (index.clusters[number]?.offset ?? 0);
  const heads = index.clusters.flatMap((one, number) => (isHead(one) && startOf(number) < size ? [number] : []));
  if (heads[0] !== 0) throw imageFault(image.name, indexAt, "the first logical cluster starts no run");
  const clusters = heads.flatMap((number, order): ErofsCluster[] => {
    const one = index.clusters[number];
    if (one === undefined) return [];
    const next = heads[order + 1];
    const offset = startOf(number);
    const end = next === undefined ? size : startOf(next);
    const isTail = next === undefined;
    if (end < offset) throw imageFault(image.name, indexAt, `logical cluster ${number} ends before it starts`);
    if (end === offset || (isTail && tail.fragment)) return [];
    const stored =
      isTail && tail.inline !== null
        ? { at: index.end, length: tail.inline }
        : { at: one.block * erofs.blockBytes, length: blocksOf(index.clusters, number, advice) * erofs.blockBytes };
    if (stored.at + stored.length > image.size) {
      throw imageFault(image.name, indexAt, `logical cluster ${number} lies at ${stored.at}, outside`);
    }
    return [{ ...stored, offset, decodedBytes: end - offset, plain: one.type === "plain" }];
  });
  return { map, clusters };
}

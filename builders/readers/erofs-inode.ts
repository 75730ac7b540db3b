import { type ErofsCluster, type ErofsMap, readClusters } from "./erofs-clusters.ts";
import type { Erofs } from "./erofs-superblock.ts";
import { imageFault } from "./image-fault.ts";
import type { Extent, RandomAccess } from "./random-access.ts";
import { type Decoded, decode, structure } from "./structure.ts";

/** struct erofs_inode_compact of Linux fs/erofs/erofs_fs.h. */
export const EROFS_COMPACT_INODE = structure([
  ["format", 2],
  ["attribute count", 2],
  ["mode", 2],
  ["link count", 2],
  ["size", 4],
  ["reserved", 4],
  ["data", 4],
  ["number", 4],
  ["uid", 2],
  ["gid", 2],
  ["reserved end", 4],
]);

/** struct erofs_inode_extended, the same. */
export const EROFS_EXTENDED_INODE = structure([
  ["format", 2],
  ["attribute count", 2],
  ["mode", 2],
  ["reserved", 2],
  ["size", 8],
  ["data", 4],
  ["number", 4],
  ["uid", 4],
  ["gid", 4],
  ["modification time", 8],
  ["modification time, nanoseconds", 4],
  ["link count", 4],
  ["reserved end", 16],
]);

const SLOT_BYTES = 32;
const LAYOUT = { plain: 0, compressedFull: 1, inline: 2, compressedCompact: 3, chunks: 4 } as const;
const CHUNK = { bits: 0x1f, indexes: 0x20, known: 0x3f } as const;
const NO_BLOCK = 0xffff_ffff;
const MAX_SIZE = 2 ** 44;
const MAX_CHUNKS = 4 * 1024 * 1024;
const S_IFMT = 0o170000;
const WITH_DATA: readonly number[] = [0o100000, 0o040000, 0o120000];

export type ErofsInode = {
  readonly nid: number;
  /** byte of the file system */
  readonly at: number;
  readonly layout: typeof EROFS_COMPACT_INODE | typeof EROFS_EXTENDED_INODE;
  readonly attributeBytes: number;
  /** where data lies is told behind the attributes: chunks, or the map of a compressed file */
  readonly map: ErofsMap | null;
  readonly mode: number;
  readonly size: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  /** of uncompressed data */
  readonly extents: readonly Extent[];
  /** of compressed data, in order; null if it is not compressed */
  readonly clusters: readonly ErofsCluster[] | null;
};

/** Attributes behind the inode: a header of 12 bytes and as many slots of 4 as told, counting from 1. */
const attributeBytesOf = (count: number): number => (count === 0 ? 0 : 12 + 4 * (count - 1));

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** Data in whole blocks, of which the last, if inline, stands behind the attributes instead. */
function flatExtents(erofs: Erofs, size: number, block: number, inlineAt: number | null): Extent[] {
  const blocks = Math.ceil(size / erofs.blockBytes) - (inlineAt === null ? 0 : 1);
  const whole = Math.min(size, blocks * erofs.blockBytes);
  return [
    ...(whole > 0 ? [{ offset: 0, length: blocks * erofs.blockBytes, at: block * erofs.blockBytes }] : []),
    ...(inlineAt === null ? [] : [{ offset: whole, length: size - whole, at: inlineAt }]),
  ];
}

/** Data in chunks of one size; a chunk without a block reads as zeros (a composefs has only such). */
async function chunkExtents(
  image: RandomAccess,
  erofs: Erofs,
  { format, size, at }: { readonly format: number; readonly size: number; readonly at: number },
): Promise<{ extents: Extent[]; map: ErofsMap }> {
  if ((format & 0xffff & ~CHUNK.known) !== 0) throw imageFault(image.name, at, `chunk format 0x${format.toString(16)}`);
  const entryBytes = (format & CHUNK.indexes) === 0 ? 4 : 8;
  const chunkBytes = erofs.blockBytes * 2 ** (format & CHUNK.bits);
  const count = Math.ceil(size / chunkBytes);
  if (count > MAX_CHUNKS) throw imageFault(image.name, at, `${count} chunks`);
  const start = alignUp(at, entryBytes);
  const map = { at: start, length: count * entryBytes, name: "chunk" } as const;
  const table = Buffer.from(await image.readAt(start, map.length));
  const extents: Extent[] = [];
  for (let index = 0; index < count; index++) {
    const entry = table.subarray(index * entryBytes);
    const block = entry.readUInt32LE(entryBytes - 4);
    if (block === NO_BLOCK) continue;
    if (entryBytes === 8 && entry.readUInt16LE(2) !== 0) throw imageFault(image.name, start, "data on another device");
    const length = alignUp(Math.min(chunkBytes, size - index * chunkBytes), erofs.blockBytes);
    extents.push({ offset: index * chunkBytes, length, at: block * erofs.blockBytes });
  }
  return { extents, map };
}

type Head = { readonly fields: Decoded<string>; readonly layout: ErofsInode["layout"]; readonly at: number };

async function readHead(image: RandomAccess, erofs: Erofs, nid: number): Promise<Head> {
  const at = erofs.metadataAt + nid * SLOT_BYTES;
  const format = Buffer.from(await image.readAt(at, 2)).readUInt16LE();
  const layout = (format & 1) === 0 ? EROFS_COMPACT_INODE : EROFS_EXTENDED_INODE;
  // both have the fields that are asked for; their names are checked by the tables
  const fields = decode<string>(layout, await image.readAt(at, layout.bytes));
  return { fields, layout, at };
}

/**
 * An inode and where its data lies.
 * @throws BuildError OutputInvalid on a layout that erofs does not have, and on data outside the image
 */
export async function readErofsInode(image: RandomAccess, erofs: Erofs, nid: number): Promise<ErofsInode> {
  const { fields, layout, at } = await readHead(image, erofs, nid);
  const kind = (fields.number("format") >> 1) & 7;
  const [mode, size, data] = [fields.number("mode"), fields.number("size"), fields.number("data")];
  if (size > MAX_SIZE) throw imageFault(image.name, at, `inode ${nid} has ${size} bytes`);
  const attributeBytes = attributeBytesOf(fields.number("attribute count"));
  const behind = at + layout.bytes + attributeBytes;
  const inode = {
    ...{ nid, at, layout, attributeBytes, mode, size },
    uid: fields.number("uid"),
    gid: fields.number("gid"),
    links: fields.number("link count"),
  };
  const nothing = { map: null, extents: [], clusters: null };
  if (!WITH_DATA.includes(mode & S_IFMT) || size === 0) return { ...inode, ...nothing };
  switch (kind) {
    case LAYOUT.plain:
    case LAYOUT.inline: {
      const extents = flatExtents(erofs, size, data, kind === LAYOUT.inline ? behind : null);
      const outside = extents.find((one) => one.at + one.length > image.size);
      if (outside !== undefined) throw imageFault(image.name, at, `the data of inode ${nid} lies outside`);
      return { ...inode, ...nothing, extents };
    }
    case LAYOUT.chunks:
      return { ...inode, ...nothing, ...(await chunkExtents(image, erofs, { format: data, size, at: behind })) };
    case LAYOUT.compressedFull:
    case LAYOUT.compressedCompact: {
      const compact = kind === LAYOUT.compressedCompact;
      return { ...inode, ...nothing, ...(await readClusters(image, erofs, { at: behind, size, compact })) };
    }
    default:
      throw imageFault(image.name, at, `inode ${nid} has data layout ${kind}`);
  }
}

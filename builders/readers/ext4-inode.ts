import type { Ext4 } from "./ext4-superblock.ts";
import { imageFault } from "./image-fault.ts";
import type { Extent, RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

/** An inode (Linux Documentation/filesystems/ext4/inodes.rst). */
export const EXT4_INODE = structure([
  ["mode", 2],
  ["uid, low half", 2],
  ["size, low half", 4],
  ["access time", 4],
  ["change time", 4],
  ["modification time", 4],
  ["deletion time", 4],
  ["gid, low half", 2],
  ["link count", 2],
  ["blocks, low half", 4],
  ["flags", 4],
  ["version", 4],
  ["block map", 60],
  ["generation", 4],
  ["extended attribute block", 4],
  ["size, high half", 4],
  ["fragment address", 4],
  ["blocks, high half", 2],
  ["extended attribute block, high half", 2],
  ["uid, high half", 2],
  ["gid, high half", 2],
  ["checksum, low half", 2],
  ["reserved", 2],
  ["extra size", 2],
  ["checksum, high half", 2],
  ["extra change time", 4],
  ["extra modification time", 4],
  ["extra access time", 4],
  ["creation time", 4],
  ["extra creation time", 4],
  ["version, high half", 4],
  ["project", 4],
]);

/** A group descriptor (the same, group_descr.rst). */
export const EXT4_GROUP = structure([
  ["block bitmap, low half", 4],
  ["inode bitmap, low half", 4],
  ["inode table, low half", 4],
  ["free blocks, low half", 2],
  ["free inodes, low half", 2],
  ["used folders, low half", 2],
  ["flags", 2],
  ["exclude bitmap, low half", 4],
  ["block bitmap checksum, low half", 2],
  ["inode bitmap checksum, low half", 2],
  ["unused inodes, low half", 2],
  ["checksum", 2],
  ["block bitmap, high half", 4],
  ["inode bitmap, high half", 4],
  ["inode table, high half", 4],
  ["free blocks, high half", 2],
  ["free inodes, high half", 2],
  ["used folders, high half", 2],
  ["unused inodes, high half", 2],
  ["exclude bitmap, high half", 4],
  ["block bitmap checksum, high half", 2],
  ["inode bitmap checksum, high half", 2],
  ["reserved", 4],
]);

/** Extent tree (the same, ifork.rst): a header, then index entries above the leaves or extents in them. */
const TREE_HEADER = structure([
  ["magic", 2],
  ["entries", 2],
  ["maximum", 2],
  ["depth", 2],
  ["generation", 4],
]);
const TREE_ENTRY_BYTES = 12;
const TREE_MAGIC = 0xf30a;
const MAX_DEPTH = 5;
const UNWRITTEN = 32_768; // a longer extent is allocated but reads as zeros

const FLAG = { extents: 0x80000 } as const;
const SMALL_GROUP_BYTES = 32;

export type Ext4Group = { readonly blockBitmap: number; readonly inodeBitmap: number; readonly inodeTable: number };

export type Ext4Inode = {
  readonly number: number;
  /** byte of the file system */
  readonly at: number;
  readonly mode: number;
  readonly size: number;
  readonly links: number;
  readonly extents: readonly Extent[];
  /** bytes of blocks that hold parts of the extent tree */
  readonly treeBlocks: readonly number[];
  /** of a short symlink: its target */
  readonly inline: Buffer | null;
  /** byte of the block with its extended attributes, or 0 */
  readonly attributesAt: number;
};

/** Byte where the group descriptors start. */
export const groupDescriptorsAt = (ext4: Ext4): number => (ext4.firstDataBlock + 1) * ext4.blockBytes;

/** The descriptor of a group: block numbers. */
export async function readGroup(image: RandomAccess, ext4: Ext4, group: number): Promise<Ext4Group> {
  const at = groupDescriptorsAt(ext4) + group * ext4.descriptorBytes;
  const bytes = Buffer.alloc(EXT4_GROUP.bytes); // a descriptor of 32 bytes has no high halves
  const size = ext4.descriptorBytes >= EXT4_GROUP.bytes ? EXT4_GROUP.bytes : SMALL_GROUP_BYTES;
  bytes.set(await image.readAt(at, size));
  const { number } = decode(EXT4_GROUP, bytes);
  const whole = (what: "block bitmap" | "inode bitmap" | "inode table"): number =>
    number(`${what}, low half`) + number(`${what}, high half`) * 2 ** 32;
  return {
    blockBitmap: whole("block bitmap"),
    inodeBitmap: whole("inode bitmap"),
    inodeTable: whole("inode table"),
  };
}

/** Follows an extent tree and collects its leaves in order. */
async function readTree(image: RandomAccess, ext4: Ext4, root: Uint8Array, what: string) {
  const extents: Extent[] = [];
  const treeBlocks: number[] = [];
  const visit = async (node: Uint8Array, depth: number): Promise<void> => {
    const header = decode(TREE_HEADER, node);
    const [entries, height] = [header.number("entries"), header.number("depth")];
    const room = Math.floor((node.length - TREE_HEADER.bytes) / TREE_ENTRY_BYTES);
    if (header.number("magic") !== TREE_MAGIC || entries > room || height > MAX_DEPTH) {
      throw imageFault(image.name, 0, `the extent tree of ${what} has ${entries} entries at depth ${height}`);
    }
    if (depth >= 0 && height !== depth) throw imageFault(image.name, 0, `the extent tree of ${what} is uneven`);
    const view = Buffer.from(node.buffer, node.byteOffset, node.length);
    for (let index = 0; index < entries; index++) {
      const entry = view.subarray(TREE_HEADER.bytes + index * TREE_ENTRY_BYTES);
      if (height > 0) {
        const at = (entry.readUInt32LE(4) + entry.readUInt16LE(8) * 2 ** 32) * ext4.blockBytes;
        if (treeBlocks.length >= ext4.blockCount)
          throw imageFault(image.name, at, `the extent tree of ${what} is endless`);
        treeBlocks.push(at);
        await visit(await image.readAt(at, ext4.blockBytes), height - 1);
        continue;
      }
      const stored = entry.readUInt16LE(4);
      const offset = entry.readUInt32LE(0) * ext4.blockBytes;
      const at = (entry.readUInt32LE(8) + entry.readUInt16LE(6) * 2 ** 32) * ext4.blockBytes;
      const length = (stored > UNWRITTEN ? stored - UNWRITTEN : stored) * ext4.blockBytes;
      const last = extents.at(-1);
      if ((last !== undefined && offset < last.offset + last.length) || at + length > image.size) {
        throw imageFault(image.name, at, `an extent of ${what} is out of order or outside the file system`);
      }
      if (stored <= UNWRITTEN) extents.push({ offset, length, at });
    }
  };
  await visit(root, -1);
  return { extents, treeBlocks };
}

/** Byte of an inode, which is counted from 1. */
export async function inodeAt(image: RandomAccess, ext4: Ext4, number: number): Promise<number> {
  if (number < 1 || number > ext4.inodeCount) throw imageFault(image.name, 0, `there is no inode ${number}`);
  const group = Math.floor((number - 1) / ext4.inodesPerGroup);
  const { inodeTable } = await readGroup(image, ext4, group);
  return inodeTable * ext4.blockBytes + ((number - 1) % ext4.inodesPerGroup) * ext4.inodeBytes;
}

const S_IFMT = 0o170000;
const WITH_DATA: readonly number[] = [0o100000, 0o040000, 0o120000];
const MAX_SIZE = 2 ** 44;

/**
 * An inode and where its data lies.
 * @throws BuildError OutputInvalid on a number that the file system does not have, a damaged extent tree, or the block
 *   maps of ext2, which imgrel's images do not have
 */
export async function readExt4Inode(image: RandomAccess, ext4: Ext4, number: number): Promise<Ext4Inode> {
  const at = await inodeAt(image, ext4, number);
  const bytes = Buffer.alloc(EXT4_INODE.bytes);
  bytes.set(await image.readAt(at, Math.min(ext4.inodeBytes, EXT4_INODE.bytes)));
  const fields = decode(EXT4_INODE, bytes);
  const mode = fields.number("mode");
  const size = fields.number("size, low half") + fields.number("size, high half") * 2 ** 32;
  if (size > MAX_SIZE) throw imageFault(image.name, at, `inode ${number} has ${size} bytes`);
  const map = fields.bytes("block map");
  const mapped = (fields.number("flags") & FLAG.extents) !== 0;
  const short = (mode & S_IFMT) === 0o120000 && !mapped && size < map.length;
  const holdsData = WITH_DATA.includes(mode & S_IFMT) && size > 0 && !short;
  if (holdsData && !mapped) throw imageFault(image.name, at, `inode ${number} has a block map instead of extents`);
  const tree = holdsData ? await readTree(image, ext4, map, `inode ${number}`) : { extents: [], treeBlocks: [] };
  const attributes =
    fields.number("extended attribute block") + fields.number("extended attribute block, high half") * 2 ** 32;
  return {
    ...{ number, at, mode, size, ...tree },
    links: fields.number("link count"),
    inline: short ? map.subarray(0, size) : null,
    attributesAt: attributes * ext4.blockBytes,
  };
}

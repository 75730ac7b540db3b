import type { Location } from "../contract/location.ts";
import { EXT4_GROUP, EXT4_INODE, type Ext4Group, groupDescriptorsAt, readExt4Inode, readGroup } from "./ext4-inode.ts";
import { EXT4_SUPERBLOCK, EXT4_SUPERBLOCK_AT, type Ext4 } from "./ext4-superblock.ts";
import { EXT4_ENTRY, type Ext4File, ext4FolderEntries, walkExt4 } from "./ext4-walk.ts";
import { type Found, foundAt } from "./found.ts";
import { locateInFile } from "./image-file.ts";
import { offsetInExtents, type RandomAccess } from "./random-access.ts";
import { locateInStructure } from "./structure.ts";

const isPowerOf = (value: number, base: number): boolean => {
  let power = base;
  while (power < value) power *= base;
  return power === value;
};

/** Whether a group has copies of superblock and descriptors (sparse_super: 0, 1 and powers of 3, 5 and 7). */
const hasBackup = (ext4: Ext4, group: number): boolean =>
  group <= 1 || !ext4.features.includes("sparse_super") || [3, 5, 7].some((base) => isPowerOf(group, base));

function locateDescriptors(ext4: Ext4, group: number, at: number): Found | null {
  const copy = group === 0 ? "" : `backup in group ${group} of the `;
  if (group > 0 && at >= 0 && at < EXT4_SUPERBLOCK.bytes) {
    return foundAt(...locateInStructure(`${copy}superblock`, EXT4_SUPERBLOCK, at));
  }
  const inTable = at - ext4.blockBytes;
  const tableBytes = Math.ceil((ext4.groupCount * ext4.descriptorBytes) / ext4.blockBytes) * ext4.blockBytes;
  if (inTable < 0) return null;
  const index = Math.floor(inTable / ext4.descriptorBytes);
  if (index < ext4.groupCount) {
    const name = `${copy}descriptor of group ${index}`;
    return foundAt(...locateInStructure(name, EXT4_GROUP, inTable % ext4.descriptorBytes));
  }
  const reserved = inTable - tableBytes;
  if (reserved >= ext4.reservedGdtBlocks * ext4.blockBytes) return null;
  return foundAt({ kind: "space", name: "room for more group descriptors", offset: Math.max(0, reserved) });
}

/** A file's own records: extended attributes and extent tree. */
function locateInTree(ext4: Ext4, file: Ext4File, offset: number): Found | null {
  const block = [...file.inode.treeBlocks, file.inode.attributesAt].find(
    (at) => at > 0 && offset >= at && offset < at + ext4.blockBytes,
  );
  if (block === undefined) return null;
  const name = block === file.inode.attributesAt ? "extended attributes" : "extent tree";
  return foundAt({ kind: "structure", name: `${name} of ${file.path}`, offset: offset - block });
}

async function locateInFolder(image: RandomAccess, ext4: Ext4, folder: Ext4File, offset: number): Promise<Found> {
  const path: Location = { kind: "path", name: folder.path, offset };
  const entries = await ext4FolderEntries(image, ext4, folder);
  const entry = entries.find((one) => offset >= one.at && offset < one.at + one.length);
  if (entry === undefined) return foundAt(path);
  const unused = entry.inode === 0 || offset - entry.at >= EXT4_ENTRY.bytes + Buffer.byteLength(entry.name);
  const name = entry.inode === 0 ? "unused directory record or index" : `directory entry of ${entry.name}`;
  const [record, field] = locateInStructure(name, EXT4_ENTRY, offset - entry.at);
  const tail: Location = unused
    ? { kind: "space", name: "behind the name", offset: 0 }
    : { kind: "field", name: "name", offset: offset - entry.at - EXT4_ENTRY.bytes };
  return foundAt(path, ...(record === undefined ? [] : [record]), field ?? tail);
}

/** Names of an inode by a walk; special inodes by their use. */
async function inodeName(image: RandomAccess, ext4: Ext4, number: number): Promise<string> {
  const special = new Map([
    [1, "bad blocks"],
    [7, "reserved group descriptors"],
    [ext4.journalInode, "journal"],
  ]).get(number);
  if (special !== undefined) return special;
  for await (const file of walkExt4(image, ext4)) if (file.inode.number === number) return file.path;
  return "no file";
}

async function locateInTables(
  image: RandomAccess,
  ext4: Ext4,
  group: number,
  tables: Ext4Group,
  offset: number,
): Promise<Found | null> {
  const { blockBytes } = ext4;
  for (const [name, block] of [
    ["block bitmap", tables.blockBitmap] as const,
    ["inode bitmap", tables.inodeBitmap] as const,
  ]) {
    const within = offset - block * blockBytes;
    if (within < 0 || within >= blockBytes) continue;
    const first =
      name === "block bitmap" ? group * ext4.blocksPerGroup + ext4.firstDataBlock : group * ext4.inodesPerGroup + 1;
    const field = `bits of ${name.replace(" bitmap", "")}s ${first + within * 8} to ${first + within * 8 + 7}`;
    return foundAt(
      { kind: "structure", name: `${name} of group ${group}`, offset: within },
      { kind: "field", name: field, offset: 0 },
    );
  }
  const within = offset - tables.inodeTable * blockBytes;
  if (within < 0 || within >= ext4.inodesPerGroup * ext4.inodeBytes) return null;
  const number = group * ext4.inodesPerGroup + Math.floor(within / ext4.inodeBytes) + 1;
  const name = `inode ${number} (${await inodeName(image, ext4, number)})`;
  const [record, field] = locateInStructure(name, EXT4_INODE, within % ext4.inodeBytes);
  const attributes: Location = { kind: "field", name: "extended attributes in the inode", offset: 0 };
  return foundAt(...(record === undefined ? [] : [record]), field ?? attributes);
}

/** What byte `offset` of an ext4 file system is. */
export async function locateInExt4(image: RandomAccess, ext4: Ext4, offset: number): Promise<Found> {
  if (offset < EXT4_SUPERBLOCK_AT) return foundAt({ kind: "space", name: "room for a boot loader", offset });
  if (offset < EXT4_SUPERBLOCK_AT + EXT4_SUPERBLOCK.bytes) {
    return foundAt(...locateInStructure("superblock", EXT4_SUPERBLOCK, offset - EXT4_SUPERBLOCK_AT));
  }
  const { blockBytes, blocksPerGroup, firstDataBlock } = ext4;
  const group = Math.floor((offset / blockBytes - firstDataBlock) / blocksPerGroup);
  if (group >= 0 && group < ext4.groupCount && hasBackup(ext4, group)) {
    const start =
      group === 0 ? groupDescriptorsAt(ext4) - blockBytes : (group * blocksPerGroup + firstDataBlock) * blockBytes;
    const found = locateDescriptors(ext4, group, offset - start);
    if (found !== null) return found;
  }
  // with flex_bg the tables of a group may lie in another one
  for (let index = 0; index < ext4.groupCount; index++) {
    const found = await locateInTables(image, ext4, index, await readGroup(image, ext4, index), offset);
    if (found !== null) return found;
  }
  if (ext4.journalInode !== 0) {
    const within = offsetInExtents((await readExt4Inode(image, ext4, ext4.journalInode)).extents, offset);
    if (within !== undefined) return foundAt({ kind: "structure", name: "journal", offset: within });
  }
  for await (const file of walkExt4(image, ext4)) {
    const inTree = locateInTree(ext4, file, offset);
    if (inTree !== null) return inTree;
    const found = locateInFile(image, file, offset);
    if (found === undefined) continue;
    return file.type === "directory" ? locateInFolder(image, ext4, file, found.locations[0]?.offset ?? 0) : found;
  }
  return foundAt({ kind: "space", name: `free block ${Math.floor(offset / blockBytes)}`, offset: offset % blockBytes });
}

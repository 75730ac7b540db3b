import { type Ext4Inode, readExt4Inode } from "./ext4-inode.ts";
import type { Ext4 } from "./ext4-superblock.ts";
import { childPath, fileAccess, type ImageFile, typeOfMode } from "./image-file.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { structure } from "./structure.ts";

/** Head of a directory entry; its name follows (Linux Documentation/filesystems/ext4/directory.rst). */
export const EXT4_ENTRY = structure([
  ["inode", 4],
  ["record length", 2],
  ["name length", 1],
  ["file type", 1],
]);

export const EXT4_ROOT_INODE = 2;
const MAX_FOLDER_BYTES = 64 * 1024 * 1024;

export type Ext4File = ImageFile & { readonly inode: Ext4Inode };

/** One record of a directory block; inode 0 is an unused one, or an inner block of a hashed directory. */
export type Ext4Entry = {
  readonly inode: number;
  readonly name: string;
  /** in the block */
  readonly at: number;
  readonly length: number;
};

/**
 * The records of one block of a directory. Hashed directories hide their index in records that look unused, so that
 * a linear reading finds every name.
 * @throws RangeError on a record that does not fit
 */
export function ext4Entries(block: Uint8Array): Ext4Entry[] {
  const view = Buffer.from(block.buffer, block.byteOffset, block.length);
  const entries: Ext4Entry[] = [];
  for (let at = 0; at + EXT4_ENTRY.bytes <= view.length; ) {
    const stored = view.readUInt16LE(at + 4);
    // 65536 does not fit 16 bits: both of these stand for it
    const length = view.length === 65_536 && (stored === 0 || stored === 65_535) ? 65_536 : stored;
    const nameLength = view[at + 6] ?? 0;
    if (length < EXT4_ENTRY.bytes || length % 4 !== 0 || at + length > view.length || nameLength + 8 > length) {
      throw new RangeError(`a directory record of ${length} bytes at ${at}, its name of ${nameLength}`);
    }
    const name = view.toString("utf8", at + EXT4_ENTRY.bytes, at + EXT4_ENTRY.bytes + nameLength);
    entries.push({ inode: view.readUInt32LE(at), name, at, length });
    at += length;
  }
  return entries;
}

/** All records of a folder, block by block; `at` counts from the folder's start. */
export async function ext4FolderEntries(image: RandomAccess, ext4: Ext4, folder: Ext4File): Promise<Ext4Entry[]> {
  if (folder.size > MAX_FOLDER_BYTES || folder.size % ext4.blockBytes !== 0) {
    throw imageFault(image.name, folder.inode.at, `the folder ${folder.path} has ${folder.size} bytes`);
  }
  const access = fileAccess(image, folder);
  const entries: Ext4Entry[] = [];
  for (let start = 0; start < folder.size; start += ext4.blockBytes) {
    try {
      const block = ext4Entries(await access.readAt(start, ext4.blockBytes));
      entries.push(...block.map((entry) => ({ ...entry, at: start + entry.at })));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw imageFault(image.name, folder.inode.at, `the folder ${folder.path}: ${error.message}`, error);
    }
  }
  return entries;
}

async function readFile(image: RandomAccess, ext4: Ext4, path: string, number: number): Promise<Ext4File> {
  const inode = await readExt4Inode(image, ext4, number);
  const type = typeOfMode(inode.mode);
  if (type === undefined) {
    throw imageFault(image.name, inode.at, `inode ${number} of ${path} has mode 0${inode.mode.toString(8)}`);
  }
  return { path, type, mode: inode.mode & 0o7777, size: inode.size, extents: inode.extents, inode };
}

/**
 * Every folder and file, folders before their content, the root first; a file with several names comes once for each.
 * @throws BuildError OutputInvalid on damaged inodes and folders, and on folders that hold each other
 */
export async function* walkExt4(image: RandomAccess, ext4: Ext4): AsyncGenerator<Ext4File> {
  const folders = [await readFile(image, ext4, "/", EXT4_ROOT_INODE)];
  const seen = new Set([EXT4_ROOT_INODE]);
  let room = Math.floor(image.size / EXT4_ENTRY.bytes); // more names than this cannot be stored
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    yield folder;
    if (folder.type !== "directory") throw imageFault(image.name, folder.inode.at, `${folder.path} is no folder`);
    const below: Ext4File[] = [];
    for (const entry of await ext4FolderEntries(image, ext4, folder)) {
      if (entry.inode === 0 || entry.name === "." || entry.name === "..") continue;
      if (--room < 0) throw imageFault(image.name, folder.inode.at, "folders share their blocks");
      const file = await readFile(image, ext4, childPath(folder.path, entry.name), entry.inode);
      if (file.type !== "directory") {
        yield file;
        continue;
      }
      if (seen.has(entry.inode)) throw imageFault(image.name, file.inode.at, `the folder ${file.path} was seen before`);
      seen.add(entry.inode);
      below.push(file);
    }
    folders.push(...below.toReversed());
  }
}

/** Where a symlink points to. */
export async function ext4LinkTarget(image: RandomAccess, file: Ext4File): Promise<string> {
  const bytes = file.inode.inline ?? Buffer.from(await fileAccess(image, file).readAt(0, Math.min(file.size, 4096)));
  return Buffer.from(bytes).toString("utf8");
}

import { type ErofsInode, readErofsInode } from "./erofs-inode.ts";
import type { Erofs } from "./erofs-superblock.ts";
import { childPath, fileAccess, type ImageFile, typeOfMode } from "./image-file.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { structure } from "./structure.ts";

/** struct erofs_dirent of Linux fs/erofs/erofs_fs.h; the names of a block stand behind all of its records. */
export const EROFS_ENTRY = structure([
  ["inode", 8],
  ["offset of the name", 2],
  ["file type", 1],
  ["reserved", 1],
]);

const MAX_FOLDER_BYTES = 64 * 1024 * 1024;

export type ErofsFile = ImageFile & { readonly inode: ErofsInode };

/** One record of a folder's block; places are in that block. */
export type ErofsEntry = {
  readonly nid: number;
  readonly name: string;
  readonly at: number;
  readonly nameAt: number;
  readonly nameBytes: number;
};

/**
 * The records of one block of a folder.
 * @throws RangeError on a record that does not fit
 */
export function erofsEntries(block: Uint8Array): ErofsEntry[] {
  const view = Buffer.from(block.buffer, block.byteOffset, block.length);
  if (view.length < EROFS_ENTRY.bytes) throw new RangeError(`a folder block of ${view.length} bytes`);
  const namesAt = view.readUInt16LE(8);
  if (namesAt === 0 || namesAt % EROFS_ENTRY.bytes !== 0 || namesAt > view.length) {
    throw new RangeError(`the names of a folder block start at ${namesAt}`);
  }
  const count = namesAt / EROFS_ENTRY.bytes;
  return Array.from({ length: count }, (_, index) => {
    const at = index * EROFS_ENTRY.bytes;
    const nameAt = view.readUInt16LE(at + 8);
    const limit = index + 1 < count ? view.readUInt16LE(at + EROFS_ENTRY.bytes + 8) : view.length;
    if (nameAt < namesAt || limit < nameAt || limit > view.length)
      throw new RangeError(`a name at ${nameAt} to ${limit}`);
    const end = view.subarray(nameAt, limit).indexOf(0); // the last name is padded to the end of the block
    const nameBytes = end < 0 ? limit - nameAt : end;
    const name = view.toString("utf8", nameAt, nameAt + nameBytes);
    return { nid: Number(view.readBigUInt64LE(at)), name, at, nameAt, nameBytes };
  });
}

/** The records of a folder; `blockAt` is where their block starts in the folder. */
export async function erofsFolderEntries(image: RandomAccess, erofs: Erofs, folder: ErofsFile) {
  if (folder.size > MAX_FOLDER_BYTES) {
    throw imageFault(image.name, folder.inode.at, `the folder ${folder.path} has ${folder.size} bytes`);
  }
  const access = fileAccess(image, folder);
  const entries: (ErofsEntry & { readonly blockAt: number })[] = [];
  for (let blockAt = 0; blockAt < folder.size; blockAt += erofs.folderBlockBytes) {
    try {
      const block = await access.readAt(blockAt, Math.min(erofs.folderBlockBytes, folder.size - blockAt));
      entries.push(...erofsEntries(block).map((entry) => ({ ...entry, blockAt })));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw imageFault(image.name, folder.inode.at, `the folder ${folder.path}: ${error.message}`, error);
    }
  }
  return entries;
}

async function readFile(image: RandomAccess, erofs: Erofs, path: string, nid: number): Promise<ErofsFile> {
  const inode = await readErofsInode(image, erofs, nid);
  const type = typeOfMode(inode.mode);
  if (type === undefined) {
    throw imageFault(image.name, inode.at, `inode ${nid} of ${path} has mode 0${inode.mode.toString(8)}`);
  }
  const { mode, size, extents } = inode;
  const compressed = inode.clusters === null ? {} : { compressed: true as const };
  return { path, type, mode: mode & 0o7777, size, extents, inode, ...compressed };
}

/** Path that the file of fragments goes by; no folder names it. */
export const PACKED_PATH = "(packed fragments)";

/**
 * Every folder and file, folders before their content, the root first; a file with several names comes once for each.
 * @throws BuildError OutputInvalid on damaged inodes and folders, and on folders that hold each other
 */
export async function* walkErofs(image: RandomAccess, erofs: Erofs): AsyncGenerator<ErofsFile> {
  const folders = [await readFile(image, erofs, "/", erofs.rootNid)];
  const seen = new Set([erofs.rootNid]);
  let room = Math.floor(image.size / EROFS_ENTRY.bytes); // more names than this cannot be stored
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    yield folder;
    if (folder.type !== "directory") throw imageFault(image.name, folder.inode.at, `${folder.path} is no folder`);
    const below: ErofsFile[] = [];
    for (const entry of await erofsFolderEntries(image, erofs, folder)) {
      if (entry.name === "." || entry.name === "..") continue;
      if (--room < 0) throw imageFault(image.name, folder.inode.at, "folders share their blocks");
      const file = await readFile(image, erofs, childPath(folder.path, entry.name), entry.nid);
      if (file.type !== "directory") {
        yield file;
        continue;
      }
      if (seen.has(entry.nid)) throw imageFault(image.name, file.inode.at, `the folder ${file.path} was seen before`);
      seen.add(entry.nid);
      below.push(file);
    }
    folders.push(...below.toReversed());
  }
}

/** The file that holds fragments of others, if there is one. */
export const packedFile = async (image: RandomAccess, erofs: Erofs): Promise<ErofsFile | null> =>
  erofs.packedNid === 0 ? null : readFile(image, erofs, PACKED_PATH, erofs.packedNid);

/** Where a symlink points to. */
export async function erofsLinkTarget(image: RandomAccess, file: ErofsFile): Promise<string> {
  return Buffer.from(await fileAccess(image, file).readAt(0, Math.min(file.size, 4096))).toString("utf8");
}

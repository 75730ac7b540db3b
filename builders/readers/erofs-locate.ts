import type { Location } from "../contract/location.ts";
import type { ErofsCluster } from "./erofs-clusters.ts";
import { EROFS_SUPERBLOCK, EROFS_SUPERBLOCK_AT, type Erofs } from "./erofs-superblock.ts";
import { EROFS_ENTRY, type ErofsFile, erofsFolderEntries, packedFile, walkErofs } from "./erofs-walk.ts";
import { type Found, foundAt } from "./found.ts";
import { locateInFile } from "./image-file.ts";
import type { RandomAccess } from "./random-access.ts";
import { locateInStructure } from "./structure.ts";

/** The inode itself, its attributes, or the map behind them. */
function locateInInode({ path, inode }: ErofsFile, offset: number): Found | null {
  const within = offset - inode.at;
  if (within < 0) return null;
  if (within < inode.layout.bytes) return foundAt(...locateInStructure(`inode of ${path}`, inode.layout, within));
  const inAttributes = within - inode.layout.bytes;
  if (inAttributes < inode.attributeBytes) {
    return foundAt({ kind: "structure", name: `extended attributes of ${path}`, offset: inAttributes });
  }
  if (inode.map === null) return null;
  const inMap = offset - inode.map.at;
  if (inMap < 0 || inMap >= inode.map.length) return null;
  return foundAt({ kind: "structure", name: `${inode.map.name} map of ${path}`, offset: inMap });
}

function locateInClusters(file: ErofsFile, offset: number): Found | null {
  const holds = (one: ErofsCluster): boolean => offset >= one.at && offset < one.at + one.length;
  const cluster = file.inode.clusters?.find(holds);
  if (cluster === undefined) return null;
  const end = cluster.offset + cluster.decodedBytes;
  const name = `${cluster.plain ? "stored" : "compressed"} bytes ${cluster.offset} to ${end}`;
  return foundAt(
    { kind: "path", name: file.path, offset: cluster.offset },
    { kind: "cluster", name, offset: offset - cluster.at },
  );
}

async function locateInFolder(image: RandomAccess, erofs: Erofs, folder: ErofsFile, offset: number): Promise<Found> {
  const path: Location = { kind: "path", name: folder.path, offset };
  for (const entry of await erofsFolderEntries(image, erofs, folder)) {
    const within = offset - entry.blockAt;
    const name = `directory entry of ${entry.name}`;
    if (within >= entry.at && within < entry.at + EROFS_ENTRY.bytes) {
      return foundAt(path, ...locateInStructure(name, EROFS_ENTRY, within - entry.at));
    }
    if (within >= entry.nameAt && within < entry.nameAt + entry.nameBytes) {
      const at = within - entry.nameAt;
      return foundAt(path, { kind: "structure", name, offset: at }, { kind: "field", name: "name", offset: at });
    }
  }
  return foundAt(path, { kind: "space", name: "behind the names", offset: 0 });
}

async function locateInOne(image: RandomAccess, erofs: Erofs, file: ErofsFile, offset: number): Promise<Found | null> {
  const known = locateInInode(file, offset) ?? locateInClusters(file, offset);
  if (known !== null) return known;
  const found = locateInFile(image, file, offset);
  if (found === undefined) return null;
  return file.type === "directory" ? locateInFolder(image, erofs, file, found.locations[0]?.offset ?? 0) : found;
}

/** What byte `offset` of an erofs file system is. Data that several files share is named by the first of them. */
export async function locateInErofs(image: RandomAccess, erofs: Erofs, offset: number): Promise<Found> {
  const inSuperblock = offset - EROFS_SUPERBLOCK_AT;
  if (inSuperblock < 0) return foundAt({ kind: "space", name: "in front of the superblock", offset });
  if (inSuperblock < EROFS_SUPERBLOCK.bytes) {
    return foundAt(...locateInStructure("superblock", EROFS_SUPERBLOCK, inSuperblock));
  }
  for await (const file of walkErofs(image, erofs)) {
    const found = await locateInOne(image, erofs, file, offset);
    if (found !== null) return found;
  }
  const packed = await packedFile(image, erofs);
  const inPacked = packed === null ? null : await locateInOne(image, erofs, packed, offset);
  if (inPacked !== null) return inPacked;
  const name = "shared attributes, compression settings or padding";
  if (offset < erofs.blockCount * erofs.blockBytes) return foundAt({ kind: "structure", name, offset });
  return foundAt({
    kind: "space",
    name: "behind the file system",
    offset: offset - erofs.blockCount * erofs.blockBytes,
  });
}

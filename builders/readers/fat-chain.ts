import type { Fat } from "./fat.ts";
import { imageFault } from "./image-fault.ts";
import type { Extent, RandomAccess } from "./random-access.ts";

/** Values from here on end a chain (Microsoft FAT specification, 4); they are this far below 2^bits. */
const END_MARKS = 8;
const FAT32_MASK = 0x0fff_ffff;
const SCAN_BYTES = 192 * 1024; // a multiple of 3, so that no FAT12 entry is cut

const limitOf = (fat: Fat): number => (fat.bits === 32 ? FAT32_MASK + 1 : 2 ** fat.bits);

/** Entry `cluster` out of bytes that start with entry `first`, which is even for FAT12. */
function entryIn(fat: Fat, bytes: Buffer, first: number, cluster: number): number {
  const index = cluster - first;
  if (fat.bits === 32) return (bytes.readUInt32LE(index * 4) & FAT32_MASK) >>> 0;
  if (fat.bits === 16) return bytes.readUInt16LE(index * 2);
  const pair = bytes.readUInt16LE(Math.floor((index * 3) / 2));
  return index % 2 === 0 ? pair & 0xfff : pair >> 4;
}

async function nextCluster(image: RandomAccess, fat: Fat, cluster: number): Promise<number> {
  const at = fat.fatAt + Math.floor((cluster * fat.bits) / 8);
  const bytes = Buffer.from(await image.readAt(at, fat.bits === 32 ? 4 : 2));
  if (fat.bits !== 12) return entryIn(fat, bytes, cluster, cluster);
  const pair = bytes.readUInt16LE();
  return cluster % 2 === 0 ? pair & 0xfff : pair >> 4;
}

/** Byte of a data cluster from the start of the file system. */
export const clusterAt = (fat: Fat, cluster: number): number => fat.dataAt + (cluster - 2) * fat.clusterBytes;

/**
 * Where the chain that starts at `first` lies, whole clusters; neighbours are one extent. An empty file has no chain.
 * @param room bytes that it may take up at most: what other chains have left
 * @throws BuildError OutputInvalid on a chain that leaves the data area, ends in a free cluster, or needs more than
 *   `room` since it runs in a circle or shares clusters
 */
export async function chainExtents(
  image: RandomAccess,
  fat: Fat,
  first: number,
  room: number,
  what: string,
): Promise<Extent[]> {
  const extents: { offset: number; length: number; at: number }[] = [];
  const end = limitOf(fat) - END_MARKS;
  let offset = 0;
  for (let cluster = first; cluster < end; cluster = await nextCluster(image, fat, cluster)) {
    if (cluster < 2 || cluster >= fat.clusterCount + 2) {
      throw imageFault(image.name, fat.fatAt, `the chain of ${what} leads to cluster ${cluster}`);
    }
    if (offset >= room) {
      throw imageFault(image.name, fat.fatAt, `the chain of ${what} runs in a circle or shares clusters with others`);
    }
    const at = clusterAt(fat, cluster);
    const last = extents.at(-1);
    if (last !== undefined && last.at + last.length === at) last.length += fat.clusterBytes;
    else extents.push({ offset, length: fat.clusterBytes, at });
    offset += fat.clusterBytes;
  }
  return extents;
}

/** Bytes of clusters in use, by the first FAT. */
export async function usedFatBytes(image: RandomAccess, fat: Fat): Promise<number> {
  const perScan = (SCAN_BYTES * 8) / fat.bits;
  let used = 0;
  for (let first = 0; first < fat.clusterCount + 2; first += perScan) {
    const count = Math.min(perScan, fat.clusterCount + 2 - first);
    const at = fat.fatAt + (first * fat.bits) / 8;
    const bytes = Buffer.from(await image.readAt(at, Math.ceil((count * fat.bits) / 8)));
    for (let cluster = Math.max(first, 2); cluster < first + count; cluster++) {
      if (entryIn(fat, bytes, first, cluster) !== 0) used += 1;
    }
  }
  return used * fat.clusterBytes;
}

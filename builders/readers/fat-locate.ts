import { clusterAt } from "./fat-chain.ts";
import { FAT_ENTRY, FAT_ENTRY_BYTES, FAT_LONG_NAME, fatDirectoryBytes, fatEntries, walkFat } from "./fat-directory.ts";
import { FAT16_BOOT, FAT32_BOOT, FAT_INFO, type Fat } from "./fat.ts";
import { type Found, foundAt } from "./found.ts";
import { type ImageFile, locateInFile } from "./image-file.ts";
import type { RandomAccess } from "./random-access.ts";
import { locateInStructure } from "./structure.ts";

function locateReserved(fat: Fat, offset: number): Found {
  const boot = fat.bits === 32 ? FAT32_BOOT : FAT16_BOOT;
  if (offset < fat.sectorBytes) return foundAt(...locateInStructure("FAT boot sector", boot, offset));
  for (const [name, layout, at] of [
    ["FSInfo sector", FAT_INFO, fat.infoAt] as const,
    ["backup of the FAT boot sector", boot, fat.backupAt] as const,
    ["backup of the FSInfo sector", FAT_INFO, fat.backupAt === null ? null : fat.backupAt + fat.sectorBytes] as const,
  ]) {
    if (at !== null && offset >= at && offset < at + fat.sectorBytes) {
      return foundAt(...locateInStructure(name, layout, offset - at));
    }
  }
  return foundAt({ kind: "space", name: "reserved sectors", offset });
}

function locateInTable(fat: Fat, offset: number): Found {
  const copy = Math.floor((offset - fat.fatAt) / fat.fatBytes);
  const at = offset - fat.fatAt - copy * fat.fatBytes;
  const cluster = Math.floor((at * 8) / fat.bits);
  const entryAt = Math.floor((cluster * fat.bits) / 8);
  const table = { kind: "structure", name: `FAT ${copy + 1}`, offset: at } as const;
  return foundAt(table, { kind: "field", name: `entry of cluster ${cluster}`, offset: at - entryAt });
}

async function locateInFolder(image: RandomAccess, folder: ImageFile, offset: number): Promise<Found> {
  const path = { kind: "path", name: folder.path, offset } as const;
  const entries = fatEntries(await fatDirectoryBytes(image, folder));
  const entry = entries.find((one) => offset >= one.startAt && offset < one.entryAt + FAT_ENTRY_BYTES);
  if (entry === undefined) {
    return foundAt(path, {
      kind: "structure",
      name: "unused directory entry or . or ..",
      offset: offset % FAT_ENTRY_BYTES,
    });
  }
  if (offset < entry.entryAt) {
    const name = `long name of ${entry.name}`;
    return foundAt(path, ...locateInStructure(name, FAT_LONG_NAME, (offset - entry.startAt) % FAT_ENTRY_BYTES));
  }
  const name = entry.kind === "volume label" ? "volume label entry" : `directory entry of ${entry.name}`;
  return foundAt(path, ...locateInStructure(name, FAT_ENTRY, offset - entry.entryAt));
}

/** What byte `offset` of a FAT file system is. */
export async function locateInFat(image: RandomAccess, fat: Fat, offset: number): Promise<Found> {
  if (offset < fat.fatAt) return locateReserved(fat, offset);
  if (offset < fat.fatAt + fat.fatBytes * fat.fatCount) return locateInTable(fat, offset);
  for await (const file of walkFat(image, fat)) {
    const found = locateInFile(image, file, offset);
    if (found === undefined) continue;
    if (file.type === "file") return found;
    return locateInFolder(image, file, found.locations[0]?.offset ?? 0);
  }
  if (offset < fat.dataAt || offset >= clusterAt(fat, fat.clusterCount + 2)) {
    return foundAt({ kind: "space", name: "outside all clusters", offset });
  }
  const cluster = Math.floor((offset - fat.dataAt) / fat.clusterBytes) + 2;
  return foundAt({ kind: "space", name: `free cluster ${cluster}`, offset: offset - clusterAt(fat, cluster) });
}

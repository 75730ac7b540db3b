import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

const START = [
  ["jump", 3],
  ["OEM name", 8],
  ["bytes per sector", 2],
  ["sectors per cluster", 1],
  ["reserved sectors", 2],
  ["number of FATs", 1],
  ["root entries", 2],
  ["total sectors (16 bits)", 2],
  ["media", 1],
  ["sectors per FAT (16 bits)", 2],
  ["sectors per track", 2],
  ["heads", 2],
  ["hidden sectors", 4],
  ["total sectors (32 bits)", 4],
] as const;
const VOLUME = [
  ["drive number", 1],
  ["reserved", 1],
  ["extended boot signature", 1],
  ["volume serial", 4],
  ["volume label", 11],
  ["file system type", 8],
] as const;

/** Boot sector of FAT12 and FAT16 (Microsoft FAT specification, 2005, 3.1 and 3.2). */
export const FAT16_BOOT = structure([...START, ...VOLUME, ["boot code", 448], ["signature", 2]]);

/** Boot sector of FAT32 (the same, 3.3). */
export const FAT32_BOOT = structure([
  ...START,
  ["sectors per FAT (32 bits)", 4],
  ["flags", 2],
  ["version", 2],
  ["root cluster", 4],
  ["FSInfo sector", 2],
  ["backup boot sector", 2],
  ["reserved bytes", 12],
  ...VOLUME,
  ["boot code", 420],
  ["signature", 2],
]);

/** FSInfo sector (the same, 5). */
export const FAT_INFO = structure([
  ["lead signature", 4],
  ["reserved", 480],
  ["structure signature", 4],
  ["free clusters", 4],
  ["next free cluster", 4],
  ["reserved end", 12],
  ["trail signature", 4],
]);

export type Fat = {
  readonly bits: 12 | 16 | 32;
  /** eight hexadecimal digits in two groups, as tools print it */
  readonly volumeId: string;
  /** of the boot sector; empty for `NO NAME` */
  readonly label: string;
  readonly sectorBytes: number;
  readonly clusterBytes: number;
  /** number of data clusters; the first has number 2 */
  readonly clusterCount: number;
  readonly fatCount: number;
  /** bytes from the start of the file system */
  readonly fatAt: number;
  /** of one copy */
  readonly fatBytes: number;
  /** the root folder's fixed place; FAT32 has none */
  readonly fixedRoot: { readonly at: number; readonly bytes: number } | null;
  /** first cluster of the root folder; 0 where it is fixed */
  readonly rootCluster: number;
  readonly dataAt: number;
  /** all that the file system takes up */
  readonly bytes: number;
  /** sectors of FSInfo and of the boot sector's copy; null where there is none */
  readonly infoAt: number | null;
  readonly backupAt: number | null;
};

const BOOT_BYTES = 512;
const FAT12_CLUSTERS = 4085;
const FAT16_CLUSTERS = 65_525;
const MAX_CLUSTERS = 0x0fff_fff4;
const isPowerOfTwo = (value: number, least: number, most: number): boolean =>
  value >= least && value <= most && (value & (value - 1)) === 0;

/** Whether a sector starts a FAT file system: a jump, sizes that FAT allows, and 55 AA. */
async function looksLikeFat(image: RandomAccess): Promise<boolean> {
  if (image.size < BOOT_BYTES) return false;
  const boot = decode(FAT16_BOOT, await image.readAt(0, BOOT_BYTES));
  const jump = boot.bytes("jump")[0];
  return (
    (jump === 0xeb || jump === 0xe9) &&
    isPowerOfTwo(boot.number("bytes per sector"), 512, 4096) &&
    isPowerOfTwo(boot.number("sectors per cluster"), 1, 128) &&
    boot.number("reserved sectors") > 0 &&
    boot.number("number of FATs") > 0 &&
    boot.number("number of FATs") <= 2 &&
    boot.number("signature") === 0xaa55
  );
}

const volumeId = (serial: number): string =>
  serial
    .toString(16)
    .toUpperCase()
    .padStart(8, "0")
    .replace(/^(.{4})/, "$1-");

/**
 * The geometry of a FAT file system; null if the image does not start with a boot sector of one. FAT32 is told by its
 * empty 16-bit size of the FAT, as Linux does; the other two by their number of clusters.
 * @throws BuildError OutputInvalid if its parts do not fit into the image
 */
export async function readFat(image: RandomAccess): Promise<Fat | null> {
  if (!(await looksLikeFat(image))) return null;
  const bytes = await image.readAt(0, BOOT_BYTES);
  const small = decode(FAT16_BOOT, bytes);
  const large = decode(FAT32_BOOT, bytes);
  const fat16Sectors = small.number("sectors per FAT (16 bits)");
  const isLarge = fat16Sectors === 0;
  const sectorBytes = small.number("bytes per sector");
  const clusterBytes = small.number("sectors per cluster") * sectorBytes;
  const fatAt = small.number("reserved sectors") * sectorBytes;
  const fatBytes = (isLarge ? large.number("sectors per FAT (32 bits)") : fat16Sectors) * sectorBytes;
  const fatCount = small.number("number of FATs");
  const rootAt = fatAt + fatBytes * fatCount;
  const rootBytes = Math.ceil((small.number("root entries") * 32) / sectorBytes) * sectorBytes;
  const dataAt = rootAt + rootBytes;
  const total = (small.number("total sectors (16 bits)") || small.number("total sectors (32 bits)")) * sectorBytes;
  if (fatBytes === 0 || dataAt >= total || total > image.size) {
    throw imageFault(image.name, 0, `a FAT file system of ${total} bytes whose data starts at ${dataAt}`);
  }
  const clusterCount = Math.floor((total - dataAt) / clusterBytes);
  const smallBits = clusterCount < FAT12_CLUSTERS ? 12 : 16;
  if (!isLarge && clusterCount >= FAT16_CLUSTERS) throw imageFault(image.name, 0, `${clusterCount} clusters in FAT16`);
  const bits = isLarge ? 32 : smallBits;
  if (clusterCount > MAX_CLUSTERS || Math.ceil(((clusterCount + 2) * bits) / 8) > fatBytes) {
    throw imageFault(image.name, 0, `a FAT of ${fatBytes} bytes is too small for ${clusterCount} clusters`);
  }
  const volume = isLarge ? large : small;
  const label = volume.bytes("volume label").toString("latin1").trimEnd();
  const sector = (number: number): number | null =>
    number === 0 || number === 0xffff || (number + 1) * sectorBytes > fatAt ? null : number * sectorBytes;
  return {
    bits,
    volumeId: volumeId(volume.number("volume serial")),
    label: label === "NO NAME" ? "" : label,
    ...{ sectorBytes, clusterBytes, clusterCount, fatCount, fatAt, fatBytes, dataAt, bytes: total },
    fixedRoot: isLarge ? null : { at: rootAt, bytes: rootBytes },
    rootCluster: isLarge ? large.number("root cluster") : 0,
    infoAt: isLarge ? sector(large.number("FSInfo sector")) : null,
    backupAt: isLarge ? sector(large.number("backup boot sector")) : null,
  };
}

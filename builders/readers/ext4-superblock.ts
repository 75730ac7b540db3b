import { crc32c } from "./crc32c.ts";
import { uuidText } from "./guid.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

/** The superblock (Linux Documentation/filesystems/ext4/super.rst). */
export const EXT4_SUPERBLOCK = structure([
  ["inode count", 4],
  ["block count, low half", 4],
  ["reserved block count, low half", 4],
  ["free block count, low half", 4],
  ["free inode count", 4],
  ["first data block", 4],
  ["log block size", 4],
  ["log cluster size", 4],
  ["blocks per group", 4],
  ["clusters per group", 4],
  ["inodes per group", 4],
  ["mount time", 4],
  ["write time", 4],
  ["mount count", 2],
  ["maximum mount count", 2],
  ["magic", 2],
  ["state", 2],
  ["behaviour on errors", 2],
  ["minor revision", 2],
  ["time of last check", 4],
  ["interval between checks", 4],
  ["creator OS", 4],
  ["revision", 4],
  ["uid of reserved blocks", 2],
  ["gid of reserved blocks", 2],
  ["first inode", 4],
  ["inode size", 2],
  ["block group of this superblock", 2],
  ["compatible features", 4],
  ["incompatible features", 4],
  ["read-only compatible features", 4],
  ["UUID", 16],
  ["volume name", 16],
  ["folder of last mount", 64],
  ["compression bitmap", 4],
  ["blocks to preallocate", 1],
  ["blocks to preallocate for folders", 1],
  ["reserved GDT blocks", 2],
  ["journal UUID", 16],
  ["journal inode", 4],
  ["journal device", 4],
  ["last orphan", 4],
  ["hash seed", 16],
  ["hash version", 1],
  ["journal backup type", 1],
  ["group descriptor size", 2],
  ["default mount options", 4],
  ["first metablock group", 4],
  ["time of creation", 4],
  ["journal backup", 68],
  ["block count, high half", 4],
  ["reserved block count, high half", 4],
  ["free block count, high half", 4],
  ["minimum extra inode size", 2],
  ["wanted extra inode size", 2],
  ["flags", 4],
  ["RAID stride", 2],
  ["multi-mount interval", 2],
  ["multi-mount block", 8],
  ["RAID stripe width", 4],
  ["log groups per flex group", 1],
  ["checksum type", 1],
  ["encryption level", 1],
  ["padding", 1],
  ["kibibytes written", 8],
  ["snapshots", 20],
  ["error log", 108],
  ["mount options", 64],
  ["user quota inode", 4],
  ["group quota inode", 4],
  ["overhead", 4],
  ["groups of sparse backups", 8],
  ["encryption algorithms", 4],
  ["encryption salt", 16],
  ["lost+found inode", 4],
  ["project quota inode", 4],
  ["checksum seed", 4],
  ["high bytes of times", 6],
  ["error codes", 2],
  ["file name encoding", 4],
  ["orphan file inode", 4],
  ["reserved", 376],
  ["checksum", 4],
]);

export const EXT4_SUPERBLOCK_AT = 1024;
const MAGIC = 0xef53;
const ROOT_INODES = 11;

const FEATURES = {
  compatible: {
    ...{ 0x1: "dir_prealloc", 0x2: "imagic_inodes", 0x4: "has_journal", 0x8: "ext_attr", 0x10: "resize_inode" },
    ...{
      0x20: "dir_index",
      0x200: "sparse_super2",
      0x400: "fast_commit",
      0x800: "stable_inodes",
      0x1000: "orphan_file",
    },
  },
  incompatible: {
    ...{ 0x1: "compression", 0x2: "filetype", 0x4: "needs_recovery", 0x8: "journal_dev", 0x10: "meta_bg" },
    ...{ 0x40: "extent", 0x80: "64bit", 0x100: "mmp", 0x200: "flex_bg", 0x400: "ea_inode", 0x1000: "dirdata" },
    ...{
      0x2000: "metadata_csum_seed",
      0x4000: "large_dir",
      0x8000: "inline_data",
      0x10000: "encrypt",
      0x20000: "casefold",
    },
  },
  readOnly: {
    ...{ 0x1: "sparse_super", 0x2: "large_file", 0x4: "btree_dir", 0x8: "huge_file", 0x10: "uninit_bg" },
    ...{ 0x20: "dir_nlink", 0x40: "extra_isize", 0x80: "has_snapshot", 0x100: "quota", 0x200: "bigalloc" },
    ...{ 0x400: "metadata_csum", 0x800: "replica", 0x1000: "read-only", 0x2000: "project", 0x8000: "verity" },
    ...{ 0x10000: "orphan_present" },
  },
} as const;

/** What this reader does not follow; none of it is in an image that imgrel makes. */
const UNREADABLE = ["compression", "journal_dev", "meta_bg", "inline_data", "bigalloc"];

export type Ext4 = {
  readonly uuid: string;
  readonly label: string;
  /** by their names in mke2fs(8), in order of kind and bit */
  readonly features: readonly string[];
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly freeBlocks: number;
  readonly inodeCount: number;
  readonly freeInodes: number;
  readonly inodeBytes: number;
  readonly inodesPerGroup: number;
  readonly blocksPerGroup: number;
  readonly groupCount: number;
  readonly firstDataBlock: number;
  readonly descriptorBytes: number;
  readonly reservedGdtBlocks: number;
  readonly journalInode: number;
  /** what does not hold though the file system can be read */
  readonly faults: readonly string[];
};

function featureNames(bits: number, names: Readonly<Record<number, string>>): string[] {
  return Array.from({ length: 32 }, (_, bit) => 2 ** bit)
    .filter((value) => Math.floor(bits / value) % 2 === 1)
    .map((value) => names[value] ?? `feature 0x${value.toString(16)}`);
}

function checkGeometry(image: RandomAccess, ext4: Ext4): void {
  const { blockBytes, blockCount, inodeBytes, inodesPerGroup, blocksPerGroup, descriptorBytes } = ext4;
  const sound =
    blockCount > ext4.firstDataBlock &&
    blockCount * blockBytes <= image.size &&
    inodeBytes >= 128 &&
    inodeBytes <= blockBytes &&
    (inodeBytes & (inodeBytes - 1)) === 0 &&
    inodesPerGroup > 0 &&
    inodesPerGroup <= blockBytes * 8 &&
    blocksPerGroup > 0 &&
    blocksPerGroup <= blockBytes * 8 &&
    ext4.inodeCount === inodesPerGroup * ext4.groupCount &&
    ext4.inodeCount >= ROOT_INODES &&
    descriptorBytes >= 32 &&
    descriptorBytes <= 1024;
  if (sound) return;
  throw imageFault(
    image.name,
    EXT4_SUPERBLOCK_AT,
    `an ext4 file system of ${blockCount} blocks of ${blockBytes} bytes, ${ext4.groupCount} groups and ` +
      `${ext4.inodeCount} inodes of ${inodeBytes} bytes`,
  );
}

/**
 * The superblock of an ext2, ext3 or ext4 file system; null without its magic.
 * @throws BuildError OutputInvalid if it does not describe a file system inside the image, or has a feature that this
 *   reader does not follow
 */
export async function readExt4(image: RandomAccess): Promise<Ext4 | null> {
  if (image.size < EXT4_SUPERBLOCK_AT + EXT4_SUPERBLOCK.bytes) return null;
  const bytes = await image.readAt(EXT4_SUPERBLOCK_AT, EXT4_SUPERBLOCK.bytes);
  const fields = decode(EXT4_SUPERBLOCK, bytes);
  if (fields.number("magic") !== MAGIC) return null;
  const { number } = fields;
  const features = [
    ...featureNames(number("compatible features"), FEATURES.compatible),
    ...featureNames(number("incompatible features"), FEATURES.incompatible),
    ...featureNames(number("read-only compatible features"), FEATURES.readOnly),
  ];
  const unreadable = features.find((name) => UNREADABLE.includes(name));
  if (unreadable !== undefined) throw imageFault(image.name, EXT4_SUPERBLOCK_AT, `ext4 with the feature ${unreadable}`);
  const wide = features.includes("64bit");
  const half = (low: "block count" | "free block count"): number =>
    number(`${low}, low half`) + (wide ? number(`${low}, high half`) * 2 ** 32 : 0);
  if (number("log block size") > 6) throw imageFault(image.name, EXT4_SUPERBLOCK_AT, "blocks larger than 64 KiB");
  const checksum = crc32c(bytes.subarray(0, EXT4_SUPERBLOCK.bytes - 4));
  const [blockCount, blocksPerGroup] = [half("block count"), number("blocks per group")];
  const ext4: Ext4 = {
    uuid: uuidText(fields.bytes("UUID")),
    label: fields.text("volume name"),
    features,
    ...{ blockBytes: 1024 * 2 ** number("log block size"), blockCount, blocksPerGroup },
    freeBlocks: half("free block count"),
    inodeCount: number("inode count"),
    freeInodes: number("free inode count"),
    inodeBytes: number("revision") === 0 ? 128 : number("inode size"),
    inodesPerGroup: number("inodes per group"),
    groupCount: Math.ceil((blockCount - number("first data block")) / Math.max(1, blocksPerGroup)),
    firstDataBlock: number("first data block"),
    descriptorBytes: wide ? number("group descriptor size") : 32,
    reservedGdtBlocks: features.includes("resize_inode") ? number("reserved GDT blocks") : 0,
    journalInode: features.includes("has_journal") ? number("journal inode") : 0,
    faults:
      features.includes("metadata_csum") && checksum !== number("checksum")
        ? ["superblock: its checksum is wrong"]
        : [],
  };
  checkGeometry(image, ext4);
  return ext4;
}

import { crc32c } from "./crc32c.ts";
import { uuidText } from "./guid.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

/** The superblock (struct erofs_super_block of Linux fs/erofs/erofs_fs.h). */
export const EROFS_SUPERBLOCK = structure([
  ["magic", 4],
  ["checksum", 4],
  ["compatible features", 4],
  ["log block size", 1],
  ["extension slots", 1],
  ["root inode", 2],
  ["inode count", 8],
  ["build time", 8],
  ["build time, nanoseconds", 4],
  ["block count", 4],
  ["metadata block", 4],
  ["shared attributes block", 4],
  ["UUID", 16],
  ["volume name", 16],
  ["incompatible features", 4],
  ["compression algorithms", 2],
  ["extra devices", 2],
  ["device table slot", 2],
  ["log folder block size", 1],
  ["attribute prefixes", 1],
  ["attribute prefix start", 4],
  ["packed inode", 8],
  ["attribute filter", 1],
  ["reserved", 23],
]);

export const EROFS_SUPERBLOCK_AT = 1024;
const MAGIC = 0xe0f5e1e2;
const CHECKSUM_AT = 4;
const COMPATIBLE = { checksum: 1 } as const;
const INCOMPATIBLE = {
  0x1: "lz4_0padding",
  0x2: "compr_cfgs",
  0x4: "chunked_file",
  0x8: "compr_head2",
  0x10: "ztailpacking",
  0x20: "fragments",
  0x40: "xattr_prefixes",
} as const;
const READABLE = 0x7f;
const ALGORITHMS = ["lz4", "lzma", "deflate", "zstd"] as const;

/** What a composefs image has in front of its superblock (composefs, libcomposefs/lcfs-erofs.h). */
const COMPOSEFS_MAGIC = 0xd078629a;

export type Erofs = {
  readonly uuid: string;
  readonly label: string;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly inodeCount: number;
  /** seconds since 1970 */
  readonly buildTime: number;
  readonly rootNid: number;
  /** nid of the file that holds fragments of others; 0 without one */
  readonly packedNid: number;
  /** byte that nids count from, in slots of 32 */
  readonly metadataAt: number;
  readonly sharedAttributesAt: number;
  readonly folderBlockBytes: number;
  /** algorithms that its files may be compressed with; empty if none is compressed */
  readonly compression: readonly string[];
  readonly features: readonly string[];
  /** whether it is the metadata of a composefs */
  readonly composefs: boolean;
  /** what does not hold though the file system can be read */
  readonly faults: readonly string[];
};

async function checksumFault(image: RandomAccess, blockBytes: number, expected: number): Promise<string[]> {
  // from the superblock to the end of its block, the checksum itself as zeros
  const length = blockBytes > EROFS_SUPERBLOCK_AT ? blockBytes - EROFS_SUPERBLOCK_AT : blockBytes;
  const bytes = Buffer.from(await image.readAt(EROFS_SUPERBLOCK_AT, length));
  bytes.writeUInt32LE(0, CHECKSUM_AT);
  return crc32c(bytes) === expected ? [] : ["superblock: its checksum is wrong"];
}

/** Which algorithms a bit mask names; images before compr_cfgs know lz4 only. */
function algorithms(features: number, mask: number): string[] {
  if ((features & 0x2) === 0) return (features & 0x1) === 0 ? [] : ["lz4"];
  return ALGORITHMS.filter((_, bit) => ((mask >> bit) & 1) === 1);
}

/**
 * The superblock of an erofs file system; null without its magic.
 * @throws BuildError OutputInvalid if it does not describe a file system inside the image, or has a feature that this
 *   reader does not follow (several devices, 48-bit addresses)
 */
export async function readErofs(image: RandomAccess): Promise<Erofs | null> {
  if (image.size < EROFS_SUPERBLOCK_AT + EROFS_SUPERBLOCK.bytes) return null;
  const fields = decode(EROFS_SUPERBLOCK, await image.readAt(EROFS_SUPERBLOCK_AT, EROFS_SUPERBLOCK.bytes));
  const { number } = fields;
  if (number("magic") !== MAGIC) return null;
  const incompatible = number("incompatible features");
  const refuse = (why: string) => imageFault(image.name, EROFS_SUPERBLOCK_AT, `erofs: ${why}`);
  if (incompatible > READABLE) throw refuse(`incompatible features 0x${incompatible.toString(16)}`);
  if (number("extra devices") !== 0) throw refuse("its data is on several devices");
  const [bits, folderBits] = [number("log block size"), number("log folder block size")];
  if (bits < 9 || bits > 16 || folderBits > 4)
    throw refuse(`blocks of 2^${bits} bytes, of folders 2^${folderBits} blocks`);
  const blockBytes = 2 ** bits;
  const blockCount = number("block count");
  if (blockCount * blockBytes > image.size) throw refuse(`${blockCount} blocks of ${blockBytes} bytes`);
  const start = Buffer.from(await image.readAt(0, 4)).readUInt32LE();
  const withChecksum = (number("compatible features") & COMPATIBLE.checksum) !== 0;
  return {
    uuid: uuidText(fields.bytes("UUID")),
    label: fields.text("volume name"),
    ...{ blockBytes, blockCount },
    inodeCount: number("inode count"),
    buildTime: number("build time"),
    rootNid: number("root inode"),
    packedNid: number("packed inode"),
    metadataAt: number("metadata block") * blockBytes,
    sharedAttributesAt: number("shared attributes block") * blockBytes,
    folderBlockBytes: blockBytes * 2 ** folderBits,
    compression: algorithms(incompatible, number("compression algorithms")),
    features: Object.entries(INCOMPATIBLE).flatMap(([bit, name]) => ((incompatible & Number(bit)) === 0 ? [] : [name])),
    composefs: start === COMPOSEFS_MAGIC,
    faults: withChecksum ? await checksumFault(image, blockBytes, number("checksum")) : [],
  };
}

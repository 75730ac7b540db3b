import { z } from "zod";
import { Digest, Sha256Hex } from "./digest.ts";
import { InstalledPackage } from "./dpkg-status.ts";

/** A file or folder of a file system or archive. Listed only where asked for. */
export const InspectedFile = z.strictObject({
  path: z.string(),
  type: z.enum(["file", "directory", "symlink", "character", "block", "fifo", "socket"]),
  /** four octal digits; null where the file system has no modes */
  mode: z
    .string()
    .regex(/^[0-7]{4}$/)
    .nullable(),
  sizeBytes: z.int().nonnegative(),
});
export type InspectedFile = z.infer<typeof InspectedFile>;

const Bytes = z.int().nonnegative();

/** What all file systems have. `faults`: what does not hold though it can be read, such as a checksum. */
const fileSystem = {
  label: z.string(),
  /** UUID; of FAT the volume ID, `1234-ABCD` */
  uuid: z.string(),
  sizeBytes: Bytes,
  usedBytes: Bytes,
  faults: z.array(z.string()),
  files: z.array(InspectedFile).optional(),
};

/** Something inside that is a format of its own: a UKI on an ESP, a root image in an initramfs. */
export const InspectedPart = z.strictObject({
  path: z.string(),
  get content() {
    return InspectedContent;
  },
});

export const InspectedPartition = z.strictObject({
  /** from 1 */
  number: z.int().positive(),
  name: z.string(),
  /** GPT: type GUID; MBR: `0x0c` */
  type: z.string(),
  /** GPT: unique GUID */
  uuid: z.string().nullable(),
  offset: Bytes,
  sizeBytes: Bytes,
  /** null where nothing is recognised */
  get content() {
    return z.nullable(InspectedContent);
  },
});

export const InspectedDisk = z.strictObject({
  format: z.enum(["gpt", "mbr"]),
  /** disk GUID; of an MBR the disk identifier, `0x50574e52` */
  id: z.string(),
  /** what the first sector would start under BIOS */
  bootCode: z.enum(["none", "grub", "other"]),
  faults: z.array(z.string()),
  partitions: z.array(InspectedPartition),
});

export const InspectedQcow2 = z.strictObject({
  format: z.literal("qcow2"),
  version: z.int(),
  clusterBytes: z.int().positive(),
  virtualSizeBytes: Bytes,
  compression: z.enum(["zlib", "zstd"]),
  get content() {
    return z.nullable(InspectedContent);
  },
});

export const InspectedFat = z.strictObject({
  format: z.literal("fat"),
  bits: z.literal([12, 16, 32]),
  ...fileSystem,
  /** menu entries of a grub.cfg: what GRUB starts under BIOS */
  grubEntries: z.array(z.strictObject({ title: z.string(), kernel: z.string(), commandLine: z.string() })),
  holds: z.array(InspectedPart),
});

export const InspectedExt4 = z.strictObject({
  format: z.literal("ext4"),
  ...fileSystem,
  features: z.array(z.string()),
});

export const InspectedErofs = z.strictObject({
  format: z.literal("erofs"),
  ...fileSystem,
  compression: z.array(z.string()),
  features: z.array(z.string()),
  /** whether it is the metadata of a composefs */
  composefs: z.boolean(),
  inodes: z.int().nonnegative(),
  buildTime: z.int().nonnegative(),
  /** names below /usr/lib/modules */
  kernelVersions: z.array(z.string()),
  /** of exactly the file system's bytes: what the initramfs compares before it mounts */
  sha256: Sha256Hex,
  fsverityDigest: Digest,
});

export const InspectedPe = z.strictObject({
  format: z.literal("pe"),
  machine: z.enum(["amd64", "arm64", "other"]),
  timestamp: z.int().nonnegative(),
  signed: z.boolean(),
  sections: z.array(z.strictObject({ name: z.string(), offset: Bytes, sizeBytes: Bytes })),
  /** of a kernel or a UKI; null for other programs */
  kernelVersion: z.string().nullable(),
  /** of a UKI: PRETTY_NAME of its os-release */
  operatingSystem: z.string().nullable(),
  /** of a UKI: what it can start, the first by default */
  profiles: z.array(
    z.strictObject({ id: z.string().nullable(), title: z.string().nullable(), commandLine: z.string().nullable() }),
  ),
  get initramfs() {
    return z.nullable(InspectedContent);
  },
});

export const InspectedInitramfs = z.strictObject({
  format: z.literal("initramfs"),
  segments: z.array(
    z.strictObject({
      compression: z.enum(["none", "zstd"]),
      offset: Bytes,
      storedBytes: Bytes,
      members: z.int().nonnegative(),
    }),
  ),
  files: z.array(InspectedFile).optional(),
  holds: z.array(InspectedPart),
});

/** GRUB's core.img as it stands in a BIOS boot partition. */
export const InspectedGrubCore = z.strictObject({ format: z.literal("grub-core") });

/** A small text, such as a kernel command line. */
export const InspectedText = z.strictObject({ format: z.literal("text"), text: z.string() });

/** dpkg's record of what is installed in a root. `packages` are listed only where files are. */
export const InspectedPackages = z.strictObject({
  format: z.literal("dpkg-status"),
  installed: z.int().nonnegative(),
  packages: z.array(InstalledPackage).optional(),
});

/** What an image is. */
export const InspectedContent = z.discriminatedUnion("format", [
  InspectedDisk,
  InspectedQcow2,
  InspectedFat,
  InspectedExt4,
  InspectedErofs,
  InspectedPe,
  InspectedInitramfs,
  InspectedGrubCore,
  InspectedText,
  InspectedPackages,
]);
export type InspectedContent = z.infer<typeof InspectedContent>;

/** `imgrel inspect -o json`: one entry for each file of an artifact, in order of name. */
export const Inspection = z.strictObject({
  schemaVersion: z.literal(1),
  artifacts: z.array(
    z.strictObject({
      file: z.string(),
      sizeBytes: Bytes,
      sha256: Sha256Hex,
      fsverityDigest: Digest,
      content: InspectedContent,
    }),
  ),
});
export type Inspection = z.infer<typeof Inspection>;

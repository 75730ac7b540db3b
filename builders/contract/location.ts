import { z } from "zod";

/**
 * What a {@link Location} may be:
 *
 * - `format`: something recognised by its content: a GPT disk, an erofs file system, a PE image, an initramfs
 * - `partition`: by its name in the partition table, or by its number where it has none
 * - `guest`: the disk that a qcow2 image holds
 * - `path`: a file or folder of a file system, by absolute path
 * - `section`: a section of a PE image
 * - `segment`: one archive or one compressed frame of an initramfs
 * - `member`: a member of a cpio archive
 * - `structure`: a record of a format, such as a header, an inode or a directory entry
 * - `field`: a field of that record
 * - `cluster`: compressed bytes, named by what they hold
 * - `space`: bytes without meaning: between partitions, behind the end of a file, free blocks
 */
export const LOCATION_KINDS = [
  "format",
  "partition",
  "guest",
  "path",
  "section",
  "segment",
  "member",
  "structure",
  "field",
  "cluster",
  "space",
] as const;

/**
 * One step of the way to a byte, from outside to inside. `offset` is in bytes from the start of this thing; for what
 * lies inside compressed bytes, the first byte that these bytes hold, since no single one can be told.
 */
export const Location = z.strictObject({
  kind: z.enum(LOCATION_KINDS),
  name: z.string(),
  offset: z.int().nonnegative(),
});
export type Location = z.infer<typeof Location>;

/** The way to a byte in one line: `partition "esp" +4096, path "/EFI/BOOT/BOOTX64.EFI" +0, field "magic"`. */
export const describeLocation = (locations: readonly Location[]): string =>
  locations
    .map(({ kind, name, offset }) => `${kind} ${JSON.stringify(name)}${kind === "field" ? "" : ` +${offset}`}`)
    .join(", ");

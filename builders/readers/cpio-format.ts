/**
 * The "newc" cpio format as the kernel reads it (Documentation/driver-api/early-userspace/buffer-format.rst): a header
 * of 110 ASCII bytes, the name with its NUL, padding to 4 bytes, the data, padding to 4 bytes; last the TRAILER!!!.
 */
export const CPIO_MAGIC = "070701";
export const CPIO_HEADER_BYTES = 110;
export const CPIO_TRAILER = "TRAILER!!!";
/** PATH_MAX: the kernel skips members with a longer name, and longer symlink targets, without a word */
export const CPIO_MAX_NAME_BYTES = 4096;
/** The fields after the magic, eight hex digits each, in this order. */
export const CPIO_FIELDS = [
  "ino",
  "mode",
  "uid",
  "gid",
  "nlink",
  "mtime",
  "filesize",
  "devmajor",
  "devminor",
  "rdevmajor",
  "rdevminor",
  "namesize",
  "check",
] as const;
export type CpioFields = Record<(typeof CPIO_FIELDS)[number], number>;

/** S_IFMT values of inode(7). */
export const CPIO_TYPES = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  socket: 0o140000,
} as const;
export type CpioType = keyof typeof CPIO_TYPES;

/** The kernel looks for an archive only at multiples of this. */
export const CPIO_ALIGNMENT = 4;

/** How many NUL bytes bring `length` to a multiple of `alignment`. */
export const cpioPadding = (length: number, alignment = CPIO_ALIGNMENT): number =>
  (alignment - (length % alignment)) % alignment;

/** What is wrong with a member's name, or null: it must be relative, climb nowhere and be in its shortest form. */
export function cpioNameFault(name: string): string | null {
  if (name === ".") return null;
  if (name === "") return "is empty";
  if (name.startsWith("/")) return "is absolute";
  const parts = name.split("/");
  if (parts.includes("..")) return "climbs with ..";
  if (parts.includes("") || parts.includes(".")) return "has an empty or . component";
  if (name.includes("\0")) return "holds a NUL";
  if (Buffer.byteLength(name) >= CPIO_MAX_NAME_BYTES) return `is longer than ${CPIO_MAX_NAME_BYTES - 1} bytes`;
  return null;
}

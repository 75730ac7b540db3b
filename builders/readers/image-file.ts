import type { Location } from "../contract/location.ts";
import type { Found } from "./found.ts";
import { imageFault } from "./image-fault.ts";
import { type Extent, extentsAccess, offsetInExtents, type RandomAccess } from "./random-access.ts";

/** S_IFMT values of inode(7). */
const TYPES = {
  0o010000: "fifo",
  0o020000: "character",
  0o040000: "directory",
  0o060000: "block",
  0o100000: "file",
  0o120000: "symlink",
  0o140000: "socket",
} as const;
export type FileType = (typeof TYPES)[keyof typeof TYPES];

/** The type in a stat(2) mode; undefined if its bits stand for none. */
export const typeOfMode = (mode: number): FileType | undefined =>
  (TYPES as Readonly<Record<number, FileType>>)[mode & 0o170000];

/** A file or folder of a file system, as every walker gives it. */
export type ImageFile = {
  /** absolute; "/" for the root itself */
  readonly path: string;
  readonly type: FileType;
  /** permission bits; null where the file system has none */
  readonly mode: number | null;
  /** bytes of content */
  readonly size: number;
  /** where its content lies; may reach past `size` to the end of the last block; empty if it is compressed */
  readonly extents: readonly Extent[];
  readonly compressed?: true;
};

/** `name` in the folder `parent`. */
export const childPath = (parent: string, name: string): string => (parent === "/" ? `/${name}` : `${parent}/${name}`);

/**
 * A file's content as an image of its own.
 * @throws BuildError OutputInvalid if it is compressed: its bytes do not stand in the image
 */
export function fileAccess(image: RandomAccess, file: ImageFile): RandomAccess {
  if (file.compressed) throw imageFault(image.name, 0, `${file.path} is compressed, so it cannot be read in place`);
  return extentsAccess(image, `${image.name}:${file.path}`, file.extents, file.size);
}

/** What byte `at` of the image is if `file` holds it; undefined if it does not. */
export function locateInFile(image: RandomAccess, file: ImageFile, at: number): Found | undefined {
  const offset = offsetInExtents(file.extents, at);
  if (offset === undefined) return undefined;
  const path: Location = { kind: "path", name: file.path, offset };
  if (offset >= file.size) {
    return { locations: [path, { kind: "space", name: "behind its end", offset: offset - file.size }], inside: null };
  }
  return { locations: [path], inside: file.type === "file" ? { image: fileAccess(image, file), offset } : null };
}

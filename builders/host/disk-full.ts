import { statfs } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";

/** Whether an operation failed because a disk, or a user's share of it, takes no more (errno(3)). */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");

/** Whether a tool says so: the words of strerror(3) in the C locale, in which every tool here runs. */
export const saysDiskFull = (output: string): boolean =>
  output.includes("No space left on device") || output.includes("Disk quota exceeded");

export const DISK_FULL_REMEDY =
  "free some space and run the same command again: what is finished and sound is not repeated";

/** Bytes that a user without privileges can still write below `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** The fault of a step that found no space, from where it writes: of `folders` the fullest is named. */
export async function diskFull(step: string, folders: readonly string[], logTail = ""): Promise<BuildError> {
  const free = await Promise.all(folders.map(freeBytes));
  const fullest = folders[free.indexOf(Math.min(...free))];
  return new BuildError({
    code: "DiskFull",
    step,
    message: `no space is left in ${fullest}`,
    remedy: DISK_FULL_REMEDY,
    logTail,
  });
}

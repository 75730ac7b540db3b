import { constants, copyFile, type FileHandle, mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES, naming } from "./files.ts";

/** Zeros of this length, at such a boundary, are left out: the block size of most file systems, times four. */
const HOLE_BYTES = 16 * 1024;
const ZEROS = Buffer.alloc(HOLE_BYTES);

/**
 * Writes the blocks of `chunk` that are not all zero, neighbours together. Where it writes nothing, `target` must read as
 * zeros already: a hole, or beyond its end.
 */
export async function writeSparse(target: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let start = 0;
  for (let at = 0; at <= chunk.length; at += HOLE_BYTES) {
    const block = chunk.subarray(at, at + HOLE_BYTES);
    const hole = block.length === 0 || ZEROS.subarray(0, block.length).equals(block);
    if (!hole && at + HOLE_BYTES <= chunk.length) continue;
    const end = hole ? at : chunk.length;
    for (let done = start; done < end; ) {
      const { bytesWritten } = await target.write(chunk, done, end - done, position + done);
      done += bytesWritten;
    }
    start = at + HOLE_BYTES;
  }
}

/**
 * Copies a file's bytes into `target` from `position` on and leaves zeros out, as {@link writeSparse}.
 * @returns bytes copied, zeros included
 * @throws NodeJS.ErrnoException if either cannot be read or written
 */
export async function copySparse(source: string, target: FileHandle, position: number): Promise<number> {
  await using file = await open(source, "r");
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let copied = 0;
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, copied);
    if (bytesRead === 0) return copied;
    await writeSparse(target, buffer.subarray(0, bytesRead), position + copied);
    copied += bytesRead;
  }
}

/**
 * Writes bytes as they come to the start of `target` and leaves zeros out, as {@link writeSparse}; its length is theirs.
 * @returns how many they were
 * @throws NodeJS.ErrnoException if it cannot be written; what `bytes` throws
 */
export async function saveSparse(bytes: AsyncIterable<Uint8Array>, target: FileHandle): Promise<number> {
  // pieces of a connection have any length: holes are found only at boundaries of their own
  const buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let [filled, written] = [0, 0];
  const flush = async () => {
    await writeSparse(target, buffer.subarray(0, filled), written);
    written += filled;
    filled = 0;
  };
  for await (const piece of bytes) {
    for (let at = 0; at < piece.byteLength; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - filled);
      buffer.set(part, filled);
      [at, filled] = [at + part.byteLength, filled + part.byteLength];
      if (filled === CHUNK_BYTES) await flush();
    }
  }
  await flush();
  await target.truncate(written);
  return written;
}

/** What copyFile answers where blocks cannot be shared: another file system, or one that never does. */
const CANNOT_SHARE = ["ENOTSUP", "EOPNOTSUPP", "EXDEV", "EINVAL", "ENOSYS", "ENOTTY"];

/**
 * Makes `to` a copy that shares the blocks of `from` until either is written to (ioctl_ficlone(2)).
 * @returns false, and no file, where the file system cannot
 * @throws NodeJS.ErrnoException if either cannot be read or written, or `to` exists
 */
export async function cloneFile(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!CANNOT_SHARE.includes(code)) throw error;
    await rm(to, { force: true });
    return false;
  }
}

async function copyOne(from: string, to: string): Promise<void> {
  if (await cloneFile(from, to)) return;
  await using target = await open(to, "wx");
  await naming(to, async () => target.truncate(await copySparse(from, target, 0)));
}

/**
 * Copies the files of a folder (no folders below it) to another, which then holds exactly these. Shares blocks where
 * the file system can, else leaves zeros out: a disk image stays as small as it was.
 * @throws NodeJS.ErrnoException if a file cannot be read or written
 */
export async function copyFiles(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await copyOne(join(from, name), join(to, name));
}

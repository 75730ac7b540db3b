import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Read size of all streaming: large enough to keep system calls rare, small enough to keep memory flat. */
export const CHUNK_BYTES = 1024 * 1024;

/** What takes the bytes of a stream one after the other: a hash, or the making or checking of a signature. */
export type ByteSink = { readonly update: (chunk: Buffer) => unknown };

/**
 * Shows a file to all `sinks`, streamed, in one reading.
 * @throws NodeJS.ErrnoException if it cannot be read; the signal's reason if it fires
 */
export async function feedFile(path: string, sinks: readonly ByteSink[], signal?: AbortSignal): Promise<void> {
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    signal?.throwIfAborted();
    for (const sink of sinks) sink.update(chunk as Buffer);
  }
}

/**
 * SHA-256 of a file, streamed.
 * @throws NodeJS.ErrnoException if it cannot be read
 */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  await feedFile(path, [hash]);
  return hash.digest("hex");
}

/**
 * Makes a folder and those above it. Node says of a read-only file system that the folder is not there (ENOENT): asked
 * one by one, it tells what the kernel says.
 * @throws NodeJS.ErrnoException if it cannot be made
 */
export async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    await makeFolder(dirname(path));
    await mkdir(path);
  }
}

/**
 * Runs operations on an open file. Their faults name no file, as those of opening one do: here they get its path.
 * @throws what `work` throws
 */
export async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error && "code" in error && !("path" in error)) {
      throw Object.assign(error, { path, message: `${error.message} '${path}'` });
    }
    throw error;
  }
}

/** A temporary file beside `path` with this content, on disk for good; `place` gives it its name. */
async function viaTemporary<T>(
  path: string,
  content: string | Uint8Array,
  mode: number,
  place: (temporary: string) => Promise<T>,
): Promise<T> {
  await makeFolder(dirname(path));
  const temporary = join(dirname(path), `.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", mode);
    try {
      await naming(temporary, async () => {
        await file.writeFile(content);
        await file.sync();
      });
    } finally {
      await file.close();
    }
    return await place(temporary);
  } finally {
    await rm(temporary, { force: true });
  }
}

/**
 * Writes a file so that a crash leaves either the old content or the new: temporary file beside it, fsync, rename.
 * Makes missing folders.
 */
export const writeFileAtomic = (path: string, content: string | Uint8Array, mode = 0o644): Promise<void> =>
  viaTemporary(path, content, mode, (temporary) => rename(temporary, path));

/**
 * Writes a file unless there is one: whole or not at all, and one process at most. Makes missing folders.
 * @returns false if there was one already, which stays as it is
 */
export const writeFileOnce = (path: string, content: string | Uint8Array, mode = 0o644): Promise<boolean> =>
  viaTemporary(path, content, mode, async (temporary) => {
    try {
      await link(temporary, path);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
      throw error;
    }
    await using folder = await open(dirname(path), "r");
    await folder.sync(); // the name is on disk too
    return true;
  });

import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Read size of all streaming: large enough to keep system calls rare, small enough to keep memory flat. */
export const CHUNK_BYTES = 1024 * 1024;

/**
 * SHA-256 of a file, streamed.
 * @throws NodeJS.ErrnoException if it cannot be read
 */
export async function sha256File(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) hash.update(chunk as Buffer);
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

/**
 * Writes a file so that a crash leaves either the old content or the new: temporary file beside it, fsync, rename.
 * Makes missing folders.
 */
export async function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
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
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

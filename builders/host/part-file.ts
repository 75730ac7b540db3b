import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { CHUNK_BYTES, naming } from "./files.ts";
import { isRunning } from "./is-running.ts";

/** A download on its way into the cache: what is there already, and its running hash. */
export type PartFile = {
  /** bytes present */
  readonly size: () => number;
  readonly append: (chunk: Uint8Array) => Promise<void>;
  /** SHA-256 of all bytes present, in hex */
  readonly sha256: () => string;
  /** forgets everything present */
  readonly restart: () => Promise<void>;
  /** flushes to disk and moves the file to its place in the cache */
  readonly commit: () => Promise<void>;
  /** closes it and leaves what is present, if anything, for a later download to go on from */
  readonly close: () => Promise<void>;
};

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Makes what a process that no longer runs left of this blob ours. The process's number is in the name, so that two
 * processes never write one file.
 */
async function claim(blob: string, own: string): Promise<void> {
  if (await exists(own)) return;
  const prefix = `${basename(blob)}.`;
  for (const name of await readdir(dirname(blob))) {
    if (!name.startsWith(prefix)) continue;
    const pid = /^([0-9]+)\.part$/.exec(name.slice(prefix.length))?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    // another process may be quicker: then there is nothing to go on from
    await rename(`${blob}.${pid}.part`, own).catch(() => undefined);
    return;
  }
}

async function hashPresent(path: string): Promise<{ hash: Hash; size: number }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
    hash.update(chunk as Buffer);
    size += (chunk as Buffer).length;
  }
  return { hash, size };
}

/**
 * Opens the partial download of a blob, `<blob>.<pid>.part` beside it, with what an earlier download left.
 * @throws NodeJS.ErrnoException if the cache cannot be written
 */
export async function openPart(blob: string): Promise<PartFile> {
  await mkdir(dirname(blob), { recursive: true });
  const path = `${blob}.${process.pid}.part`;
  await claim(blob, path);
  const file = await open(path, "a");
  let { hash, size } = await hashPresent(path);
  return {
    size: () => size,
    append: async (chunk) => {
      hash.update(chunk);
      size += chunk.length;
      await naming(path, () => file.appendFile(chunk));
    },
    sha256: () => hash.copy().digest("hex"),
    restart: async () => {
      await file.truncate(0);
      hash = createHash("sha256");
      size = 0;
    },
    commit: async () => {
      await naming(path, () => file.sync());
      await file.close();
      await rename(path, blob);
    },
    close: async () => {
      await file.close();
      if (size === 0) await rm(path, { force: true });
    },
  };
}

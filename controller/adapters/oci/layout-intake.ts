import { randomBytes } from "node:crypto";
import { chmod, link, lstat, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { isRunning } from "../../../builders/host/is-running.ts";
import { cloneFile, writeSparse } from "../../../builders/host/sparse-copy.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { BlobSource } from "../../ports/artifact-store.ts";
import { checkFile, readSource, unreadable } from "./blob-source.ts";

/** Folder of a layout where blobs lie until they are whole; on the same file system, so that a rename is all it takes. */
export const INGEST = "ingest";

/** Folder of a layout where blobs are (OCI image-spec, image-layout.md "Blobs"). */
export const BLOBS = "blobs/sha256";

const READ_ONLY = 0o444;

/** The file of a blob in a layout. */
export const blobFile = (layout: string, digest: Digest): string => join(layout, BLOBS, digest.slice("sha256:".length));

async function isThere(path: string, size: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true && found.size === size;
}

/** Makes what was written to a file or folder outlive a power failure. */
export async function sync(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}

async function copyIn(descriptor: Descriptor, source: BlobSource, path: string, signal: AbortSignal): Promise<void> {
  await using target = await open(path, "wx", READ_ONLY);
  const write = async (chunks: AsyncIterable<Uint8Array>) => {
    await target.truncate(0); // another store may start over
    let size = 0;
    for await (const chunk of chunks) {
      signal.throwIfAborted();
      await writeSparse(target, chunk, size);
      size += chunk.byteLength;
    }
    await target.truncate(size);
  };
  await readSource(descriptor, source, write, signal);
}

/** What link(2) answers where a file cannot have a second name. */
const CANNOT_LINK = ["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"];

const tryLink = (from: string, to: string): Promise<boolean> =>
  link(from, to).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Error && "code" in error && CANNOT_LINK.includes(String(error.code))) return false;
      throw error;
    },
  );

/**
 * Gives a finished file a second name in the layout. It is made read-only first and hashed after that; whoever had it
 * open for writing would show by its time stamp.
 */
async function linkIn(descriptor: Descriptor, from: string, path: string, signal: AbortSignal): Promise<boolean> {
  if (!(await tryLink(from, path))) return false;
  await chmod(path, READ_ONLY);
  const before = await stat(path, { bigint: true });
  await checkFile(descriptor, path, signal);
  const after = await stat(path, { bigint: true });
  if (before.mtimeNs === after.mtimeNs && before.size === after.size) return true;
  throw new ReleaseError(
    "InputDigestMismatch",
    `${from} was written to while it was stored`,
    "end whatever writes to it and run the command again",
  );
}

/** Brings the bytes to `path`: shared blocks, a second name for a finished file, or a copy; checked in any case. */
async function bring(descriptor: Descriptor, source: BlobSource, path: string, signal: AbortSignal): Promise<void> {
  if (source.kind === "file") {
    const found = await lstat(source.path).catch((error: unknown) => {
      throw unreadable(source.path, error);
    });
    if (found.isFile()) {
      // the clone is checked, not the original: nothing written to the original later is in it
      if (await cloneFile(source.path, path)) return await checkFile(descriptor, path, signal);
      if (source.finished === true && (await linkIn(descriptor, source.path, path, signal))) return;
    }
  }
  await copyIn(descriptor, source, path, signal);
}

/**
 * Puts a blob into a layout, unless it is there: whole or not at all, and read-only. Its bytes are on disk for good; its
 * name will be before an index refers to it.
 * @throws ReleaseError InputDigestMismatch, InputMissing; NodeJS.ErrnoException if the layout cannot be written
 */
export async function takeIn(
  layout: string,
  descriptor: Descriptor,
  source: BlobSource,
  signal: AbortSignal,
): Promise<void> {
  const target = blobFile(layout, descriptor.digest);
  if (await isThere(target, descriptor.size)) return;
  const temporary = join(layout, INGEST, `${process.pid}.${randomBytes(6).toString("hex")}`);
  try {
    await bring(descriptor, source, temporary, signal);
    await chmod(temporary, READ_ONLY);
    await sync(temporary);
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes what processes that no longer run left half done. */
export async function removeLeftovers(layout: string): Promise<void> {
  for (const name of await readdir(join(layout, INGEST))) {
    const pid = /^([0-9]+)\.[0-9a-f]{12}$/.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await rm(join(layout, INGEST, name), { force: true });
  }
}

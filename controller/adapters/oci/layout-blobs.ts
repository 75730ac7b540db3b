import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../../../builders/contract/digest.ts";
import { CHUNK_BYTES } from "../../../builders/host/files.ts";
import { cloneFile, writeSparse } from "../../../builders/host/sparse-copy.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { BlobReader, BlobSource } from "../../ports/artifact-store.ts";
import { checkFile, readSource, unreadable } from "./blob-source.ts";
import { checkedBytes, showFound } from "./checked-bytes.ts";

const codeOf = (error: unknown): string => (error instanceof Error && "code" in error ? String(error.code) : "");

/** What link(2) answers where a file cannot have a second name: another file system, or a limit of it. */
const CANNOT_LINK = ["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP"];

/** Gives a file a second name; false where the file system cannot. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (CANNOT_LINK.includes(codeOf(error))) return false;
    throw codeOf(error) === "ENOENT" ? unreadable(from, error) : error;
  }
}

/** The blobs of a layout, below `<directory>/blobs/sha256` (OCI image-layout.md, "Blobs"). */
export function layoutBlobs(directory: string) {
  const pathOf = (digest: Digest): string => join(directory, "blobs", digest.replace(":", "/"));

  const has = (digest: Digest): Promise<boolean> =>
    stat(pathOf(digest)).then(
      (found) => found.isFile(),
      () => false,
    );

  /** Fills a new file; the bytes are checked before anyone can find them by their digest. */
  const fill = async (path: string, descriptor: Descriptor, source: BlobSource, signal: AbortSignal): Promise<void> => {
    if (source.kind === "file") {
      const shared = source.finished === true ? await linkFile(source.path, path) : false;
      if (
        shared ||
        (await cloneFile(source.path, path).catch((error) => {
          throw codeOf(error) === "ENOENT" ? unreadable(source.path, error) : error;
        }))
      )
        return checkFile(descriptor, path, signal);
    }
    await using target = await open(path, "wx");
    let position = 0;
    const write = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
      position = 0;
      await target.truncate(0);
      for await (const chunk of chunks) {
        signal.throwIfAborted();
        await writeSparse(target, chunk, position);
        position += chunk.byteLength;
      }
      await target.truncate(position);
    };
    await readSource(descriptor, source, write, signal);
    await target.sync();
  };

  const put = async (descriptor: Descriptor, source: BlobSource, signal: AbortSignal): Promise<void> => {
    if (await has(descriptor.digest)) return;
    const path = pathOf(descriptor.digest);
    await mkdir(dirname(path), { recursive: true });
    const temporary = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.part`;
    try {
      await fill(temporary, descriptor, source, signal);
      await chmod(temporary, 0o444); // a blob never changes; its first name is read-only with it
      await rename(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
  };

  const read = async <T>({ digest, size }: Descriptor, reader: BlobReader<T>): Promise<T> => {
    if (!(await has(digest))) {
      const remedy = "the layout is not whole: copy it again from where it came";
      throw new ReleaseError("NotFound", `${directory} has no blob ${digest}`, remedy);
    }
    const chunks = createReadStream(pathOf(digest), { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
    return reader(
      checkedBytes(chunks, { digest, size }, (found) => {
        const message = `${directory} holds ${showFound(found)} as ${digest} (${size} bytes)`;
        return new ReleaseError("RegistryDigestMismatch", message, "somebody changed the layout: copy it again");
      }),
    );
  };
  return { has, put, read, pathOf };
}

import { createReadStream } from "node:fs";
import { CHUNK_BYTES } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { BlobReader, BlobSource } from "../../ports/artifact-store.ts";
import { checkedBytes, type FoundBytes, showFound } from "./checked-bytes.ts";

/** A source that does not have the bytes it was said to have. */
const mismatch = (descriptor: Descriptor, found: string): ReleaseError =>
  new ReleaseError(
    "InputDigestMismatch",
    `a blob should be ${descriptor.digest} (${descriptor.size} bytes), its source has ${found}`,
    "something changed the file after it was hashed: make it anew",
  );

/** A source that is gone, or cannot be read. */
export function unreadable(path: string, cause: unknown): ReleaseError {
  const reason = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new ReleaseError("InputMissing", `cannot read ${path}: ${reason}`, "make the file anew", { cause });
}

async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/**
 * Gives `read` all bytes of a source, the last of them only if they are the descriptor's.
 * @throws ReleaseError InputDigestMismatch, InputMissing; what `read` throws
 */
export function readSource<T>(
  descriptor: Descriptor,
  source: BlobSource,
  read: BlobReader<T>,
  signal: AbortSignal,
): Promise<T> {
  const checked = (chunks: AsyncIterable<Uint8Array>) =>
    checkedBytes(chunks, descriptor, (found: FoundBytes) => mismatch(descriptor, showFound(found)));
  switch (source.kind) {
    case "bytes":
      return read(checked(oneChunk(source.bytes)));
    case "file":
      return read(checked(fileChunks(source.path)));
    case "stored":
      return source.store.readBlob(descriptor, read, signal);
  }
}

/**
 * Reads a file and does nothing with it but check it.
 * @throws ReleaseError InputDigestMismatch, InputMissing
 */
export async function checkFile(descriptor: Descriptor, path: string, signal: AbortSignal): Promise<void> {
  const drain = async (chunks: AsyncIterable<Uint8Array>) => {
    for await (const _ of chunks) signal.throwIfAborted();
  };
  await readSource(descriptor, { kind: "file", path }, drain, signal);
}

import { open } from "node:fs/promises";
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

/**
 * The bytes of a file, read one chunk ahead. Three buffers take turns, so that memory stays flat however large the file is:
 * a chunk is overwritten once the next but one was taken. That suits {@link checkedBytes}, which holds one back, with
 * a reader behind it that is done with a chunk when it asks for the next.
 */
async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void, void> {
  try {
    await using file = await open(path, "r");
    const buffers = [0, 1, 2].map(() => Buffer.allocUnsafeSlow(CHUNK_BYTES));
    const readInto = (nth: number) => file.read(buffers[nth % 3] ?? Buffer.alloc(0), 0, CHUNK_BYTES, null);
    let reading = readInto(0);
    for (let nth = 1; ; nth += 1) {
      const { buffer, bytesRead } = await reading;
      if (bytesRead === 0) return;
      reading = readInto(nth);
      reading.catch(() => undefined); // nobody may come back for it
      yield buffer.subarray(0, bytesRead);
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  yield bytes;
}

/**
 * Gives `read` all bytes of a source, the last of them only if they are the descriptor's. It must be done with a chunk when
 * it asks for the next.
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

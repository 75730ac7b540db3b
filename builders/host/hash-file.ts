import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import type { Digest, Sha256Hex } from "../contract/digest.ts";
import { createFsverity } from "../contract/fsverity.ts";
import { CHUNK_BYTES } from "./files.ts";

/** What a manifest says about a file, from one reading of it. */
export type FileHash = {
  readonly sha256: Sha256Hex;
  readonly sizeBytes: number;
  readonly fsverity: { readonly digest: Digest; readonly rootHash: Digest };
};

/**
 * SHA-256, size, and fs-verity digest and Merkle root (sha256, 4096-byte blocks, no salt) of a file, in one pass. Two
 * buffers of {@link CHUNK_BYTES} take turns, so that the next read runs while a chunk is hashed.
 * @throws NodeJS.ErrnoException if the file cannot be read
 */
export async function hashFile(path: string): Promise<FileHash> {
  const whole = createHash("sha256");
  const blocks = createFsverity();
  await using file = await open(path, "r");
  let filling = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let hashing = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  let read = await file.read(filling, 0, CHUNK_BYTES, null);
  while (read.bytesRead > 0) {
    [filling, hashing] = [hashing, filling];
    const chunk = hashing.subarray(0, read.bytesRead);
    const next = file.read(filling, 0, CHUNK_BYTES, null);
    whole.update(chunk);
    blocks.update(chunk);
    read = await next;
  }
  const { digest, rootHash, size } = blocks.finish();
  return { sha256: whole.digest("hex"), sizeBytes: size, fsverity: { digest, rootHash } };
}

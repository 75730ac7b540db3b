import { createHash, hash } from "node:crypto";
import type { Digest } from "./digest.ts";

/** What fs-verity says about a file: `digest` is what `fsverity digest` prints, `rootHash` its Merkle root. */
export type Fsverity = { readonly digest: Digest; readonly rootHash: Digest; readonly size: number };

/** Takes a file's bytes in order, in chunks of any size; keeps no chunk. */
export type FsverityHasher = {
  readonly update: (chunk: Uint8Array) => void;
  /** @throws Error if called twice */
  readonly finish: () => Fsverity;
};

const HASH_BYTES = 32;
const SHA256_BLOCK_BYTES = 64;
const SHA256_ID = 1; // FS_VERITY_HASH_ALG_SHA256
const MAX_SALT_BYTES = 32;

/** One level of the Merkle tree: the block of hashes being filled, and how many hashes it ever took. */
type Level = { readonly block: Buffer; fill: number; count: number };

/**
 * Streaming fs-verity digest with SHA-256 (kernel Documentation/filesystems/fsverity.rst, "Merkle tree" and
 * "fs-verity descriptor"). Needs one block of memory per tree level.
 * @param options `blockSize` in bytes, a power of two from 64 to 65536; `salt` of at most 32 bytes
 * @throws RangeError on a block size or salt outside these limits
 */
export function createFsverity(
  options: { readonly blockSize?: number; readonly salt?: Uint8Array } = {},
): FsverityHasher {
  const { blockSize = 4096, salt = new Uint8Array(0) } = options;
  const logBlockSize = Math.log2(blockSize);
  if (!Number.isInteger(logBlockSize) || logBlockSize < 6 || logBlockSize > 16) {
    throw new RangeError(`fs-verity block size must be a power of two from 64 to 65536, not ${blockSize}`);
  }
  if (salt.length > MAX_SALT_BYTES) {
    throw new RangeError(`fs-verity salt must be at most ${MAX_SALT_BYTES} bytes, not ${salt.length}`);
  }
  const hashBlock = blockHasher(blockSize, salt);
  const levels: Level[] = [];
  const pending = Buffer.alloc(blockSize);
  let pendingFill = 0;
  let size = 0;
  let finished = false;

  const addHash = (index: number, digest: string): void => {
    const level = (levels[index] ??= { block: Buffer.alloc(blockSize), fill: 0, count: 0 });
    level.block.write(digest, level.fill, "latin1");
    level.fill += HASH_BYTES;
    level.count += 1;
    if (level.fill === blockSize) closeBlock(level, index);
  };
  const closeBlock = (level: Level, index: number): void => {
    level.block.fill(0, level.fill);
    level.fill = 0;
    addHash(index + 1, hashBlock(level.block));
  };

  const update = (chunk: Uint8Array): void => {
    if (finished) throw new Error("fs-verity hasher was given bytes after finish()");
    size += chunk.length;
    let at = 0;
    if (pendingFill > 0) {
      at = Math.min(blockSize - pendingFill, chunk.length);
      pending.set(chunk.subarray(0, at), pendingFill);
      pendingFill += at;
      if (pendingFill < blockSize) return;
      pendingFill = 0;
      addHash(0, hashBlock(pending));
    }
    for (; at + blockSize <= chunk.length; at += blockSize) addHash(0, hashBlock(chunk.subarray(at, at + blockSize)));
    pending.set(chunk.subarray(at));
    pendingFill = chunk.length - at;
  };

  const finish = (): Fsverity => {
    if (finished) throw new Error("fs-verity hasher was finished twice");
    finished = true;
    if (pendingFill > 0) addHash(0, hashBlock(pending.fill(0, pendingFill)));
    for (let index = 0; ; index++) {
      const level = levels[index];
      const root = level === undefined ? Buffer.alloc(HASH_BYTES) : level.block.subarray(0, HASH_BYTES);
      if (level === undefined || (level.count === 1 && index === levels.length - 1)) {
        return {
          digest: descriptorDigest(logBlockSize, salt, size, root),
          rootHash: `sha256:${root.toString("hex")}`,
          size,
        };
      }
      if (level.fill > 0) closeBlock(level, index);
    }
  };
  return { update, finish };
}

/**
 * SHA-256 of one block after the salt, as a latin1 string: of all forms node offers, the cheapest to make. The hash of
 * an all-zero block is made once, since disk images are mostly holes.
 */
function blockHasher(blockSize: number, salt: Uint8Array): (block: Uint8Array) => string {
  const zeros = Buffer.alloc(blockSize);
  const paddedSalt = salt.length === 0 ? 0 : SHA256_BLOCK_BYTES;
  const salted = Buffer.alloc(paddedSalt + blockSize);
  salted.set(salt);
  const hashData = (block: Uint8Array): string => {
    if (paddedSalt === 0) return hash("sha256", block, "binary");
    salted.set(block, paddedSalt);
    return hash("sha256", salted, "binary");
  };
  const zeroHash = hashData(zeros);
  return (block) => (zeros.equals(block) ? zeroHash : hashData(block));
}

/** struct fsverity_descriptor without a signature: 256 bytes, hashed without the salt. */
function descriptorDigest(logBlockSize: number, salt: Uint8Array, size: number, root: Uint8Array): Digest {
  const descriptor = Buffer.alloc(256);
  descriptor[0] = 1; // version
  descriptor[1] = SHA256_ID;
  descriptor[2] = logBlockSize;
  descriptor[3] = salt.length;
  descriptor.writeBigUInt64LE(BigInt(size), 8);
  descriptor.set(root, 16);
  descriptor.set(salt, 80);
  return `sha256:${createHash("sha256").update(descriptor).digest("hex")}`;
}

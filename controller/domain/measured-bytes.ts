import type { Digest } from "../../builders/contract/digest.ts";
import { createFsverity } from "../../builders/contract/fsverity.ts";

/** Bytes on their way to a reader, and what they came to once all have passed. */
export type MeasuredBytes = {
  readonly bytes: AsyncIterable<Uint8Array>;
  /** `fsverityDigest`: SHA-256, 4096-byte blocks, no salt. Ask once, when the last byte has passed. */
  readonly result: () => { readonly sizeBytes: number; readonly fsverityDigest: Digest };
};

/** Measures bytes in the one reading that they get anyway. */
export function measuredBytes(chunks: AsyncIterable<Uint8Array>): MeasuredBytes {
  const verity = createFsverity();
  async function* pass(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of chunks) {
      verity.update(chunk);
      yield chunk;
    }
  }
  return {
    bytes: pass(),
    result: () => {
      const { size, digest } = verity.finish();
      return { sizeBytes: size, fsverityDigest: digest };
    },
  };
}

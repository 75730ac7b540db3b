import { createHash } from "node:crypto";
import type { Descriptor } from "../../domain/oci.ts";

/** What bytes turned out to be. `atLeast`: they went on when reading stopped. */
export type FoundBytes = { readonly digest: string; readonly size: number; readonly atLeast: boolean };

/** `sha256:… (n bytes)`, for messages. */
export const showFound = ({ digest, size, atLeast }: FoundBytes): string =>
  atLeast ? `more than ${size - 1} bytes` : `${digest} (${size} bytes)`;

/**
 * The same bytes while they are hashed. One chunk is always held back: the last one comes only once digest and size are
 * those of the descriptor, so that nobody ever has the whole of something wrong.
 * @throws what `wrong` makes, if they are not; what `chunks` throws
 */
export async function* checkedBytes(
  chunks: AsyncIterable<Uint8Array>,
  expected: Pick<Descriptor, "digest" | "size">,
  wrong: (found: FoundBytes) => Error,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash("sha256");
  let size = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of chunks) {
    size += chunk.byteLength;
    if (size > expected.size) throw wrong({ digest: "", size: expected.size + 1, atLeast: true });
    if (held !== undefined) yield held;
    hash.update(chunk);
    held = chunk;
  }
  const digest = `sha256:${hash.digest("hex")}`;
  if (digest !== expected.digest || size !== expected.size) throw wrong({ digest, size, atLeast: false });
  if (held !== undefined) yield held;
}

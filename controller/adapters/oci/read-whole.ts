import type { ReleaseError } from "../../domain/errors.ts";
import type { Descriptor } from "../../domain/oci.ts";
import type { BlobReader } from "../../ports/artifact-store.ts";
import { checkedBytes, showFound } from "./checked-bytes.ts";
import { wrongBytes } from "./store-faults.ts";

/**
 * Gives `read` the bytes of a blob, checked; where they are wrong, once more from what `open` gives then, `tries` times in
 * all. What `read` returned counts only if it took all of them.
 * @throws ReleaseError RegistryDigestMismatch if they are wrong each time; what `open` and `read` throw
 */
export async function readWhole<T>(
  descriptor: Descriptor,
  open: () => AsyncIterable<Uint8Array>,
  read: BlobReader<T>,
  tries: number,
): Promise<T> {
  for (let left = tries; ; left -= 1) {
    let fault: ReleaseError | undefined;
    let verified = false;
    const wrong = (found: Parameters<typeof showFound>[0]) => {
      fault = wrongBytes(`${descriptor.digest} (${descriptor.size} bytes)`, showFound(found));
      return fault;
    };
    async function* chunks() {
      yield* checkedBytes(open(), descriptor, wrong);
      verified = true;
    }
    try {
      const value = await read(chunks());
      if (verified) return value;
      if (fault === undefined) throw new TypeError("a reader of a blob must take all of its bytes");
    } catch (error) {
      if (fault === undefined) throw error; // not about the bytes
    }
    if (fault !== undefined && left <= 1) throw fault;
  }
}

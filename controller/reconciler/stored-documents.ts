import { ArtifactManifest, type Descriptor } from "../domain/oci.ts";
import { documentIn, type EncodedBundle, encodeBundle } from "../domain/publication.ts";
import { recordInvalid } from "../domain/record-invalid.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";

/** Bundles are a few kilobytes, with a long list of packages some hundred. */
const MAX_BUNDLE_BYTES = 8 * 1024 * 1024;

/** A bundle that a store holds about a manifest. `document` is what it claims to be: nothing of it is checked yet. */
export type FoundBundle = {
  readonly referrer: Descriptor["digest"];
  readonly document: string;
  readonly bundle: EncodedBundle;
};

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytes) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/**
 * A bundle as text.
 * @throws ReleaseError RecordInvalid if it is too large to be one; what the store throws
 */
export async function readBundle(store: ArtifactStore, blob: Descriptor, signal: AbortSignal): Promise<string> {
  if (blob.size <= MAX_BUNDLE_BYTES) return store.readBlob(blob, textOf, signal);
  throw recordInvalid("registry", blob.digest, `is larger than ${MAX_BUNDLE_BYTES} bytes: no bundle`);
}

/**
 * The bundles that are attached to a manifest, in order of digest. What is no bundle of ours, or too large to be one,
 * is passed over: anybody may attach something.
 * @param known referrers that were read before: they are not read again
 * @param own bundles that this process attached itself, by the digest of the referrer: what is listed needs no reading
 */
export async function* bundlesAbout(
  store: ArtifactStore,
  subject: Descriptor,
  known: ReadonlySet<string>,
  signal: AbortSignal,
  own: ReadonlyMap<string, Omit<FoundBundle, "referrer">> = new Map(),
): AsyncGenerator<FoundBundle> {
  for (const { digest } of await store.referrers(subject.digest, signal)) {
    if (known.has(digest)) continue;
    const attached = own.get(digest);
    if (attached !== undefined) {
      yield { referrer: digest, ...attached };
      continue;
    }
    const stored = await store.readManifest(digest, signal);
    const parsed = ArtifactManifest.safeParse(stored === null ? null : parseJson(stored.bytes));
    const found = parsed.success ? documentIn(parsed.data) : null;
    if (found === null || found.blob.size > MAX_BUNDLE_BYTES) continue;
    yield {
      referrer: digest,
      document: found.document,
      bundle: encodeBundle(await readBundle(store, found.blob, signal)),
    };
  }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

import type { EncodedManifest } from "../domain/artifact-manifest.ts";
import { ReleaseError } from "../domain/errors.ts";
import { readManifestLinks } from "../domain/manifest-links.ts";
import { type Descriptor, EMPTY_CONFIG, EMPTY_DESCRIPTOR } from "../domain/oci.ts";
import type { ArtifactStore, BlobSource } from "../ports/artifact-store.ts";

type Digest = Descriptor["digest"];

/** Blobs on their way at a time: enough to hide a registry's answers, few enough to leave it to others too. */
const PARALLEL = 4;

/** Does `work` for each item, a few at a time; the first error ends it. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failed = false;
  const worker = async () => {
    for (const item of queue) {
      if (failed) return;
      await work(item).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  const fault = ended.find((outcome) => outcome.status === "rejected");
  if (fault !== undefined) throw fault.reason;
}

/**
 * Pushes an artifact: its blobs, then its manifest, which is the last and makes it whole. What is there already is not
 * sent, so that it may be called again after a crash. `sources`: where the blobs are, by digest.
 * @throws ReleaseError Internal if a blob has no source; what the store throws
 */
export async function pushArtifact(
  store: ArtifactStore,
  manifest: EncodedManifest,
  sources: ReadonlyMap<Digest, BlobSource>,
  signal: AbortSignal,
): Promise<Digest> {
  const all = new Map([[EMPTY_DESCRIPTOR.digest, { kind: "bytes", bytes: EMPTY_CONFIG } as BlobSource], ...sources]);
  const { blobs } = readManifestLinks(manifest.descriptor.mediaType, manifest.bytes);
  await eachOf(blobs, async (blob) => {
    const source = all.get(blob.digest);
    if (source === undefined) {
      throw new ReleaseError("Internal", `nothing says where the blob ${blob.digest} is`, "report this");
    }
    await store.pushBlob(blob, source, signal);
  });
  return store.pushManifest(manifest.descriptor.mediaType, manifest.bytes, signal);
}

/**
 * Copies a manifest and all that it refers to from one repository to another, by digest: blobs are mounted where both are
 * of one registry. Its referrers are not copied.
 * @throws ReleaseError RegistryUnavailable if `from` does not have it; what the stores throw
 */
export async function copyArtifact(
  from: ArtifactStore,
  to: ArtifactStore,
  digest: Digest,
  signal: AbortSignal,
): Promise<void> {
  const manifest = await from.readManifest(digest, signal);
  if (manifest === null) {
    const remedy = "it is looked for again at the next try";
    throw new ReleaseError("RegistryUnavailable", `${from.name} has no manifest ${digest}`, remedy);
  }
  const { blobs, manifests } = readManifestLinks(manifest.mediaType, manifest.bytes);
  await eachOf(blobs, (blob) => to.pushBlob(blob, { kind: "stored", store: from }, signal, from.name));
  for (const part of manifests) await copyArtifact(from, to, part.digest, signal);
  await to.pushManifest(manifest.mediaType, manifest.bytes, signal);
}

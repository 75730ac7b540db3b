import { artifactInvalid, checkMeasured, checkPlatformStatement, layersOf } from "../domain/check-artifact.ts";
import { measuredBytes } from "../domain/measured-bytes.ts";
import type { Descriptor } from "../domain/oci.ts";
import type { PublishedRecord } from "../domain/read-record.ts";
import type { RecordManifest } from "../domain/record-manifest.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import { readBundle } from "./stored-documents.ts";

/** Reads all bytes: a store hands out the last of them only if they have the digest that was asked for. */
async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

type Target = RecordManifest["targets"][string];

/** The manifest that a target's tag must point to, as text. */
async function manifestOf(store: ArtifactStore, target: string, { oci }: Target, signal: AbortSignal) {
  if (oci === null) throw artifactInvalid(target, "is not published");
  const tag = oci.reference.slice(oci.reference.lastIndexOf(":") + 1);
  const pointsTo = await store.resolveTag(tag, signal);
  if (pointsTo !== oci.digest) {
    throw artifactInvalid(target, `tag ${tag} points to ${pointsTo ?? "nothing"}, not ${oci.digest}`);
  }
  const stored = await store.readManifest(oci.digest, signal);
  if (stored === null) throw artifactInvalid(target, `has no manifest ${oci.digest}`);
  return { oci, text: new TextDecoder().decode(stored.bytes) };
}

/**
 * Walks what a store has of a release: tag to manifest, manifest to layers, each layer's bytes read once for SHA-256,
 * size and fs-verity digest, all of it held against the record; of a disk image its two bundles too (trust.md 2.3, step 8).
 * @returns how many bytes were hashed
 * @throws ReleaseError RecordInvalid naming the target; SignatureInvalid; what the store throws
 */
export async function verifyArtifacts(
  { store, verifier }: { readonly store: ArtifactStore; readonly verifier: BundleVerifier },
  record: PublishedRecord,
  signal: AbortSignal,
): Promise<number> {
  let hashed = 0;
  for (const [target, parts] of Object.entries(record.manifest.targets)) {
    const { oci, text } = await manifestOf(store, target, parts, signal);
    const artifacts = record.artifacts.filter(({ path }) => path.startsWith(`${target}/`));
    const { files, bundles } = layersOf(target, artifacts, text);
    const read = (layer: Descriptor) => readBundle(store, layer, signal);
    const signature = bundles === null ? null : await read(bundles.signature);
    for (const { artifact, layer } of files) {
      const measured = await store.readBlob(
        layer,
        async (chunks) => {
          const { bytes, result } = measuredBytes(chunks);
          if (signature === null) await drain(bytes);
          else await verifier.verifyBytes(signature, bytes);
          return result();
        },
        signal,
      );
      checkMeasured(artifact, measured);
      hashed += layer.size;
      if (bundles === null) continue;
      const { statement } = await verifier.verifyStatement(await read(bundles.statement));
      checkPlatformStatement(target, statement, artifact, record.manifest.release, oci);
    }
  }
  return hashed;
}

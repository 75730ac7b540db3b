import { recordInvalid } from "../domain/record-invalid.ts";
import { ArtifactManifest } from "../domain/oci.ts";
import type { PublishedRecord } from "../domain/read-record.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";

const lost = (target: string, why: string) => recordInvalid("registry", target, why);

/** Reads all of a blob: the store hands out its last bytes only if they have the digest that was asked for. */
async function drain(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _ of bytes);
}

/**
 * Walks what a store has of a release: tag to manifest, manifest to layers, each layer's bytes hashed, and all of it held
 * against the record (trust.md 2.3, step 8). Of a disk image only the image itself is a file of the record.
 * @returns how many bytes were hashed
 * @throws ReleaseError RecordInvalid naming the target; what the store throws
 */
export async function verifyArtifacts(
  store: ArtifactStore,
  record: PublishedRecord,
  signal: AbortSignal,
): Promise<number> {
  let hashed = 0;
  for (const [target, { oci, files }] of Object.entries(record.manifest.targets)) {
    if (oci === null) throw lost(target, "is not published");
    const tag = oci.reference.slice(oci.reference.lastIndexOf(":") + 1);
    const pointsTo = await store.resolveTag(tag, signal);
    if (pointsTo !== oci.digest) throw lost(target, `tag ${tag} points to ${pointsTo ?? "nothing"}, not ${oci.digest}`);
    const stored = await store.readManifest(oci.digest, signal);
    if (stored === null) throw lost(target, `has no manifest ${oci.digest}`);
    const { layers } = ArtifactManifest.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    const found = new Set<string>();
    for (const layer of layers) {
      const title = layer.annotations?.["org.opencontainers.image.title"] ?? "";
      const file = files[title];
      if (file !== undefined && `sha256:${file.sha256}` !== layer.digest) {
        throw lost(target, `${title} is ${layer.digest}, the record has ${file.sha256}`);
      }
      if (file !== undefined) found.add(title);
      await store.readBlob(layer, drain, signal);
      hashed += layer.size;
    }
    const images = Object.keys(files).filter((name) => name.endsWith(".img"));
    const wanted = images.length > 0 ? images : Object.keys(files);
    const missing = wanted.find((name) => !found.has(name));
    if (missing !== undefined) throw lost(target, `${missing} is not in the manifest`);
  }
  return hashed;
}

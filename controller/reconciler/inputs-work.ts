import type { InputsArchive } from "../domain/inputs-archive.ts";
import { EMPTY_CONFIG, EMPTY_DESCRIPTOR, OCI } from "../domain/oci.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { PackageStore } from "../ports/package-store.ts";

/** Whether a store holds an archive of inputs, whole: its manifest is stored last, and its tag points to it. */
export const isArchived = async (store: ArtifactStore, archive: InputsArchive, signal: AbortSignal): Promise<boolean> =>
  (await store.resolveTag(archive.tag, signal)) === archive.manifest.descriptor.digest;

/**
 * Stores every input of one arch by digest (trust.md 6); what is there is not sent again. The tag keeps the archive from
 * being collected.
 * @throws ReleaseError as {@link ArtifactStore}; InputDigestMismatch if a package of this machine's store was changed
 */
export async function archiveInputs(
  store: ArtifactStore,
  packages: Pick<PackageStore, "pathOf">,
  archive: InputsArchive,
  signal: AbortSignal,
): Promise<void> {
  await store.pushBlob(EMPTY_DESCRIPTOR, { kind: "bytes", bytes: EMPTY_CONFIG }, signal);
  for (const [digest, bytes] of archive.documents) {
    const descriptor = { mediaType: "application/octet-stream", digest, size: bytes.byteLength };
    await store.pushBlob(descriptor, { kind: "bytes", bytes }, signal);
  }
  for (const { sha256, size } of archive.packages) {
    const descriptor = { mediaType: "application/octet-stream", digest: `sha256:${sha256}`, size };
    await store.pushBlob(descriptor, { kind: "file", path: packages.pathOf(sha256) }, signal);
  }
  const digest = await store.pushManifest(OCI.manifest, archive.manifest.bytes, signal);
  await store.tag(archive.tag, digest, signal);
}

import type { InputsArchive } from "../domain/inputs-archive.ts";
import type { ArtifactStore, BlobSource } from "../ports/artifact-store.ts";
import type { PackageStore } from "../ports/package-store.ts";
import { pushArtifact } from "./push-artifact.ts";

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
  const sources = new Map<string, BlobSource>([
    ...[...archive.documents].map(([digest, bytes]) => [digest, { kind: "bytes", bytes }] as const),
    // the package store never writes to a file that has its name
    ...archive.packages.map(
      ({ sha256 }) => [`sha256:${sha256}`, { kind: "file", path: packages.pathOf(sha256), finished: true }] as const,
    ),
  ]);
  await store.tag(archive.tag, await pushArtifact(store, archive.manifest, sources, signal), signal);
}

import type { Digest } from "../../../builders/contract/digest.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readManifestLinks } from "../../domain/manifest-links.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";

type Annotations = Readonly<Record<string, string>>;

/**
 * The annotations of an image's manifest; of an index, those of each manifest in it.
 * @throws ReleaseError InputMissing if there is no such image; as ArtifactStore
 */
export async function imageAnnotations(
  store: Pick<ArtifactStore, "name" | "readManifest">,
  digest: Digest,
  signal: AbortSignal,
): Promise<readonly Annotations[]> {
  const read = async (of: Digest) => {
    const stored = await store.readManifest(of, signal);
    if (stored !== null) return readManifestLinks(stored.mediaType, stored.bytes);
    const remedy = "push it there, or give the class the image that is there";
    throw new ReleaseError("InputMissing", `${store.name} has no image ${of}`, remedy);
  };
  const { descriptor, manifests } = await read(digest);
  const all = manifests.length === 0 ? [descriptor] : [];
  for (const one of manifests) all.push((await read(one.digest)).descriptor);
  return all.map(({ annotations = {} }) => annotations);
}

import { readFile } from "node:fs/promises";
import { type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { checkedTag } from "../../domain/artifact-names.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readManifestLinks } from "../../domain/manifest-links.ts";
import { ANNOTATION, byDigest, type Descriptor, type ImageIndex, indexDescriptors } from "../../domain/oci.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { layoutBlobs } from "./layout-blobs.ts";
import { layoutIndex } from "./layout-listing.ts";

/** On an entry of index.json: the manifest that this one is about. So referrers are found without opening each manifest. */
const SUBJECT = "io.powernode.releases.subject";

const isTagged = (entry: Descriptor, tag: string): boolean => entry.annotations?.[ANNOTATION.refName] === tag;

/** An index with one more entry; the same one if it has it. */
const withEntry = (index: ImageIndex, entry: Descriptor): ImageIndex => ({
  ...index,
  manifests: [...index.manifests, entry],
});

/**
 * An OCI image layout as an {@link ArtifactStore}; made on the first write.
 * @param name how references to it begin in records: the folder itself says nothing to others
 */
export function openLayout({ directory, name }: { readonly directory: string; readonly name: string }): ArtifactStore {
  const blobs = layoutBlobs(directory);
  const index = layoutIndex(directory);

  const requireAll = async (digest: Digest, parts: readonly Descriptor[]): Promise<void> => {
    for (const part of parts) {
      if (await blobs.has(part.digest)) continue;
      const message = `manifest ${digest} refers to ${part.digest}, which ${directory} does not hold`;
      throw new ReleaseError("RegistryRefused", message, "store all parts before the manifest");
    }
  };
  const resolve = async (tag: string): Promise<Digest | null> =>
    indexDescriptors(await index.read()).find((entry) => isTagged(entry, tag))?.digest ?? null;

  return {
    name,
    hasBlob: (digest) => blobs.has(digest),
    pushBlob: (descriptor, source, signal) => blobs.put(descriptor, source, signal),
    readBlob: (descriptor, read) => blobs.read(descriptor, read),
    pushManifest: async (mediaType, bytes, signal) => {
      const links = readManifestLinks(mediaType, bytes);
      const { descriptor, subject } = links;
      await requireAll(descriptor.digest, [...links.blobs, ...links.manifests]);
      await blobs.put(descriptor, { kind: "bytes", bytes }, signal);
      const annotations = { ...descriptor.annotations, ...(subject === undefined ? {} : { [SUBJECT]: subject }) };
      await index.update((before) => {
        const known = indexDescriptors(before).some((entry) => entry.digest === descriptor.digest);
        return known ? before : withEntry(before, { ...descriptor, annotations });
      }, signal);
      return descriptor.digest;
    },
    readManifest: async (digest) => {
      const entry = indexDescriptors(await index.read()).find((one) => one.digest === digest);
      if (entry === undefined) return null;
      const bytes = new Uint8Array(await readFile(blobs.pathOf(digest)));
      if (digestOf(bytes) === digest) return { digest, mediaType: entry.mediaType, bytes };
      const message = `${directory} holds other bytes as manifest ${digest}`;
      throw new ReleaseError("RegistryDigestMismatch", message, "somebody changed the layout: copy it again");
    },
    resolveTag: (tag) => resolve(checkedTag(tag)),
    tag: async (tag, digest, signal) => {
      checkedTag(tag);
      await index.update((before) => {
        const entries = indexDescriptors(before);
        const pointsTo = entries.find((entry) => isTagged(entry, tag))?.digest;
        if (pointsTo === digest) return before;
        if (pointsTo !== undefined) {
          const message = `${name}:${tag} points to ${pointsTo}, not to ${digest}`;
          throw new ReleaseError("TagConflict", message, "no tag is ever moved: release under another name");
        }
        const manifest = entries.find((entry) => entry.digest === digest);
        if (manifest === undefined) {
          throw new ReleaseError("NotFound", `${name} has no manifest ${digest}`, "store it before its tag");
        }
        const annotations = { ...manifest.annotations, [ANNOTATION.refName]: tag };
        return withEntry(before, { ...manifest, annotations });
      }, signal);
    },
    referrers: async (digest) => {
      const found = indexDescriptors(await index.read()).filter(({ annotations }) => annotations?.[SUBJECT] === digest);
      return [...new Map(found.map((entry) => [entry.digest, entry])).values()].toSorted(byDigest);
    },
  };
}

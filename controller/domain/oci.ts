import { z } from "zod";
import { Digest, digestOf } from "../../builders/contract/digest.ts";

/** Media types of the OCI image-spec 1.1, and the empty configuration that artifacts have (manifest.md). */
export const OCI = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  empty: "application/vnd.oci.empty.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
  zstdLayer: "application/vnd.oci.image.layer.v1.tar+zstd",
} as const;

/** Annotations of the OCI image-spec (annotations.md, image-layout.md). */
export const ANNOTATION = {
  title: "org.opencontainers.image.title",
  created: "org.opencontainers.image.created",
  refName: "org.opencontainers.image.ref.name",
} as const;

/** What one object is and how it is found: by digest (OCI image-spec, descriptor.md). `size` in bytes. */
export const Descriptor = z.object({
  mediaType: z.string().min(1),
  digest: Digest,
  size: z.int().nonnegative(),
  artifactType: z.string().exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
  /** the object itself, if it is small */
  data: z.base64().exactOptional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

/** The bytes of {@link OCI.empty}, which each repository that holds artifacts has as a blob. */
export const EMPTY_CONFIG: Uint8Array = new TextEncoder().encode("{}");

/** The descriptor of {@link EMPTY_CONFIG} as manifest.md, "Guidance for an Empty Descriptor", writes it. */
export const EMPTY_DESCRIPTOR: Descriptor = {
  mediaType: OCI.empty,
  digest: digestOf(EMPTY_CONFIG),
  size: EMPTY_CONFIG.byteLength,
  data: "e30=",
};

/** A manifest of files, the only kind of manifest that imgrel writes beside the bootc images (manifest.md). */
export const ArtifactManifest = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI.manifest),
  artifactType: z.string().min(1),
  config: Descriptor,
  layers: z.array(Descriptor),
  /** the manifest that this one is about: it makes this one a referrer */
  subject: Descriptor.exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
});
export type ArtifactManifest = z.infer<typeof ArtifactManifest>;

/**
 * A list of manifests: the platforms of an image, what a layout holds, or what refers to a manifest (image-index.md).
 * Whatever others wrote into it stays when it is written again.
 */
export const ImageIndex = z.looseObject({
  schemaVersion: z.literal(2),
  mediaType: z.literal(OCI.index).exactOptional(),
  manifests: z.array(
    z.looseObject({ digest: z.string(), annotations: z.record(z.string(), z.string()).exactOptional() }),
  ),
});
export type ImageIndex = z.infer<typeof ImageIndex>;

/** An index with nothing in it. */
export const EMPTY_INDEX: ImageIndex = { schemaVersion: 2, mediaType: OCI.index, manifests: [] };

/** What a list of manifests says of each; entries that have no SHA-256 digest are no business of imgrel's. */
export const indexDescriptors = (index: ImageIndex): Descriptor[] =>
  index.manifests.flatMap((entry) => {
    const parsed = Descriptor.safeParse(entry);
    return parsed.success ? [parsed.data] : [];
  });

/** Order by digest: the same set, the same list. */
export const byDigest = (a: Descriptor, b: Descriptor): number =>
  a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0;

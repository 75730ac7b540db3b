import { z } from "zod";
import { Digest } from "../../builders/contract/digest.ts";

/** Media types of the OCI image-spec 1.1, and the empty configuration that artifacts have (manifest.md). */
export const OCI = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  index: "application/vnd.oci.image.index.v1+json",
  empty: "application/vnd.oci.empty.v1+json",
} as const;

/** The bytes of {@link OCI.empty}, which each repository that holds artifacts has as a blob. */
export const EMPTY_CONFIG = new TextEncoder().encode("{}");

/** What one object is and how it is found: by digest (OCI image-spec, descriptor.md). `size` in bytes. */
export const Descriptor = z.object({
  mediaType: z.string().min(1),
  digest: Digest,
  size: z.int().nonnegative(),
  artifactType: z.string().exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
});
export type Descriptor = z.infer<typeof Descriptor>;

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

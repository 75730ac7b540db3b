import { z } from "zod";
import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { ReleaseError } from "./errors.ts";
import { Descriptor } from "./oci.ts";

/** Largest manifest that is read or written: what registries commonly take (distribution-spec, "Pushing Manifests"). */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** What a manifest or index says about others, whoever wrote it (OCI image-spec, manifest.md and image-index.md). */
export type ManifestLinks = {
  /** itself as a list of referrers shows it (distribution-spec, "Listing Referrers") */
  readonly descriptor: Descriptor;
  /** the manifest that it is about */
  readonly subject: Digest | undefined;
  /** configuration and layers */
  readonly blobs: readonly Descriptor[];
  /** manifests of an index */
  readonly manifests: readonly Descriptor[];
};

const AnyManifest = z.object({
  mediaType: z.string().exactOptional(),
  artifactType: z.string().exactOptional(),
  config: Descriptor.exactOptional(),
  layers: z.array(Descriptor).exactOptional(),
  manifests: z.array(Descriptor).exactOptional(),
  subject: Descriptor.exactOptional(),
  annotations: z.record(z.string(), z.string()).exactOptional(),
});

const refused = (message: string, options?: ErrorOptions): ReleaseError =>
  new ReleaseError("RegistryRefused", message, "give an OCI image manifest or index, of SHA-256 digests", options);

/**
 * Reads what a manifest refers to.
 * @throws ReleaseError RegistryRefused if it is no manifest, too large, or says it is of another media type
 */
export function readManifestLinks(mediaType: string, bytes: Uint8Array): ManifestLinks {
  const digest = digestOf(bytes);
  if (bytes.byteLength > MAX_MANIFEST_BYTES) {
    throw refused(`manifest ${digest} is longer than ${MAX_MANIFEST_BYTES} bytes`);
  }
  let manifest: z.infer<typeof AnyManifest>;
  try {
    manifest = AnyManifest.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch (cause) {
    throw refused(`${digest} is not a manifest`, { cause });
  }
  if (manifest.mediaType !== undefined && manifest.mediaType !== mediaType) {
    throw refused(`manifest ${digest} says it is ${manifest.mediaType}, not ${mediaType}`);
  }
  const { artifactType = manifest.config?.mediaType, annotations } = manifest;
  return {
    descriptor: {
      ...{ mediaType, digest, size: bytes.byteLength },
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations }),
    },
    subject: manifest.subject?.digest,
    blobs: [...(manifest.config === undefined ? [] : [manifest.config]), ...(manifest.layers ?? [])],
    manifests: manifest.manifests ?? [],
  };
}

import { canonicalJson, type Digest, digestOf } from "../../builders/contract/digest.ts";
import { IMG_VARIANTS, type Variant } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";
import { ANNOTATION, type ArtifactManifest, type Descriptor, EMPTY_DESCRIPTOR, OCI } from "./oci.ts";
import { checkedPath } from "./spec-files.ts";

/** What artifacts of imgrel are; the first is the platform's own (platform contract, "Ingest"). */
export const ARTIFACT_TYPE = {
  diskImage: "application/vnd.powernode.disk-image.v1",
  bootArtifact: "application/vnd.powernode.boot-artifact.v1",
  inputs: "application/vnd.powernode.inputs.v1",
  /** a Sigstore bundle as a referrer (cosign's bundle specification) */
  bundle: "application/vnd.dev.sigstore.bundle.v0.3+json",
} as const;

const BYTES = "application/octet-stream";

/** Layers of a disk image, in order, by the end of their titles: exactly one of each. */
const DISK_IMAGE_LAYERS: readonly (readonly [suffix: string, mediaType: string])[] = [
  [".img", BYTES],
  [".cosign-bundle", "application/vnd.dev.cosign.bundle.v1+json"],
  [".attestation-bundle", "application/vnd.dev.cosign.attestation.v1+json"],
];

/** A file by content. `title`: its name, a plain relative path; `size` in bytes. */
export type NamedBlob = { readonly title: string; readonly digest: Digest; readonly size: number };

export type ArtifactContent = {
  readonly artifactType: string;
  /** one layer each, in this order */
  readonly files: readonly (NamedBlob & { readonly mediaType: string })[];
  /** seconds since 1970; becomes the creation date */
  readonly sourceDateEpoch: number;
  /** the manifest that this one is about */
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
};

/** A manifest as it is stored, and the descriptor that others refer to it by. */
export type EncodedManifest = { readonly bytes: Uint8Array; readonly descriptor: Descriptor };

/** Seconds since 1970 as RFC 3339, UTC. */
const dateOf = (seconds: number): string => `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z`;

/**
 * The manifest of an artifact of files, in canonical JSON (RFC 8785): same content, same bytes, same digest.
 * `oras pull` writes each layer to its title.
 * @throws ReleaseError SpecInvalid if a title is no plain relative path; Internal if two are the same
 */
export function encodeArtifact(content: ArtifactContent): EncodedManifest {
  const { artifactType, files, subject } = content;
  const titles = files.map(({ title }) => checkedPath(title));
  const twice = titles.find((title, index) => titles.indexOf(title) !== index);
  if (twice !== undefined) throw misuse(`an artifact has two files named ${twice}`);
  const manifest: ArtifactManifest = {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    artifactType,
    config: EMPTY_DESCRIPTOR,
    layers: files.map(({ title, mediaType, digest, size }) => ({
      ...{ mediaType, digest, size },
      annotations: { [ANNOTATION.title]: title },
    })),
    ...(subject === undefined
      ? {}
      : { subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size } }),
    annotations: { ...content.annotations, [ANNOTATION.created]: dateOf(content.sourceDateEpoch) },
  };
  const bytes = new TextEncoder().encode(canonicalJson(manifest));
  return {
    bytes,
    descriptor: { mediaType: OCI.manifest, digest: digestOf(bytes), size: bytes.byteLength, artifactType },
  };
}

/**
 * The manifest of a variant's files. A disk image that the platform ingests has exactly three layers, the image and its
 * two bundles; every other variant has one layer per file, and its bundles are referrers.
 * @throws ReleaseError Internal if the files are not what the variant has
 */
export function variantArtifact(
  variant: Variant,
  files: readonly NamedBlob[],
  sourceDateEpoch: number,
): EncodedManifest {
  if (variant === "oci") throw misuse("the oci variant is an image of its own, not an artifact of files");
  if (files.length === 0) throw misuse(`${variant} has no files`);
  if (!IMG_VARIANTS.includes(variant)) {
    const layers = files
      .map((file) => ({ ...file, mediaType: BYTES }))
      .toSorted((a, b) => (a.title < b.title ? -1 : 1));
    return encodeArtifact({ artifactType: ARTIFACT_TYPE.bootArtifact, files: layers, sourceDateEpoch });
  }
  const layers = DISK_IMAGE_LAYERS.map(([suffix, mediaType]) => {
    const [file, ...more] = files.filter(({ title }) => title.endsWith(suffix));
    if (file === undefined || more.length > 0) throw misuse(`${variant} needs exactly one *${suffix}`);
    return { ...file, mediaType };
  });
  if (layers.length < files.length) throw misuse(`${variant} has files besides the image and its two bundles`);
  return encodeArtifact({ artifactType: ARTIFACT_TYPE.diskImage, files: layers, sourceDateEpoch });
}

/** A Sigstore bundle: a message signature, or a DSSE envelope with a statement of this predicate type. */
export type BundleFile = NamedBlob & { readonly predicateType?: string };

/**
 * The manifest that attaches a bundle to another manifest, with the annotations by which cosign finds it (cosign,
 * specs/BUNDLE_SPEC.md).
 * @throws ReleaseError SpecInvalid as {@link encodeArtifact}
 */
export function bundleReferrer(subject: Descriptor, bundle: BundleFile, sourceDateEpoch: number): EncodedManifest {
  const { predicateType } = bundle;
  return encodeArtifact({
    artifactType: ARTIFACT_TYPE.bundle,
    files: [{ ...bundle, mediaType: ARTIFACT_TYPE.bundle }],
    sourceDateEpoch,
    subject,
    annotations: {
      "dev.sigstore.bundle.content": predicateType === undefined ? "message-signature" : "dsse-envelope",
      ...(predicateType === undefined ? {} : { "dev.sigstore.bundle.predicateType": predicateType }),
    },
  });
}

const misuse = (message: string): ReleaseError =>
  new ReleaseError("Internal", message, "report this: imgrel put together an artifact wrongly");

import type { Digest } from "../../builders/contract/digest.ts";
import { digestOf } from "../../builders/contract/digest.ts";
import { IMG_VARIANTS } from "../../builders/contract/variant.ts";
import {
  ARTIFACT_TYPE,
  bundleReferrer,
  encodeArtifact,
  type EncodedManifest,
  type NamedBlob,
  variantArtifact,
} from "./artifact-manifest.ts";
import type { ArtifactManifest, Descriptor } from "./oci.ts";
import type { DocumentName, TargetRef } from "./target.ts";

const BYTES = "application/octet-stream";
const BUNDLE_SUFFIX = ".sigstore.json";

/** Whether a target is one disk image, which the platform ingests with its two bundles beside it. */
export const isDiskImage = ({ variant }: TargetRef): boolean => IMG_VARIANTS.includes(variant);

/** The disk image among a target's files. */
export function imageOf(files: readonly NamedBlob[]): NamedBlob {
  const image = files.find(({ title }) => title.endsWith(".img"));
  if (image === undefined) throw new RangeError("a disk image target has no .img file");
  return image;
}

/**
 * All files of a target under one manifest: what signatures are attached to. Of every target but a disk image it is what
 * users pull as well.
 */
export const filesManifest = (files: readonly NamedBlob[], sourceDateEpoch: number): EncodedManifest =>
  encodeArtifact({
    artifactType: ARTIFACT_TYPE.bootArtifact,
    files: files.map((file) => ({ ...file, mediaType: BYTES })).toSorted((a, b) => (a.title < b.title ? -1 : 1)),
    sourceDateEpoch,
  });

/** What users pull of a disk image: itself, its signature and the platform's statement, both as bundles. */
export function diskImageManifest(
  ref: TargetRef,
  files: readonly NamedBlob[],
  bundles: { readonly signature: EncodedBundle; readonly statement: EncodedBundle },
  sourceDateEpoch: number,
): EncodedManifest {
  const image = imageOf(files);
  const stem = image.title.replace(/\.img$/, "");
  const all = [
    image,
    { title: `${stem}.cosign-bundle`, ...bundles.signature.blob },
    { title: `${stem}.attestation-bundle`, ...bundles.statement.blob },
  ];
  return variantArtifact(ref.variant, all, sourceDateEpoch);
}

/** A signed document as a referrer of a manifest. */
export const documentManifest = (
  subject: Descriptor,
  document: DocumentName,
  { blob }: EncodedBundle,
  predicateType: string | null,
  sourceDateEpoch: number,
): EncodedManifest =>
  bundleReferrer(
    subject,
    {
      title: `${document}${BUNDLE_SUFFIX}`,
      ...blob,
      ...(predicateType === null ? {} : { predicateType }),
    },
    sourceDateEpoch,
  );

/** What {@link documentManifest} says that it holds; null for any other manifest. Nothing of it is checked. */
export function documentIn(
  manifest: ArtifactManifest,
): { readonly document: string; readonly blob: Descriptor } | null {
  const [blob] = manifest.layers;
  const title = blob?.annotations?.["org.opencontainers.image.title"];
  if (manifest.artifactType !== ARTIFACT_TYPE.bundle || blob === undefined || title?.endsWith(BUNDLE_SUFFIX) !== true) {
    return null;
  }
  return { document: title.slice(0, -BUNDLE_SUFFIX.length), blob };
}

/** A bundle as registries and records store it: long, so it is encoded and hashed once. */
export type EncodedBundle = {
  readonly bytes: Uint8Array;
  readonly blob: { readonly digest: Digest; readonly size: number };
};

/** A bundle's JSON text as it is stored. */
export function encodeBundle(text: string): EncodedBundle {
  const bytes = new TextEncoder().encode(text);
  return { bytes, blob: { digest: digestOf(bytes), size: bytes.byteLength } };
}

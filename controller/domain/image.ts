import { canonicalJson, Digest, digestOf } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import type { EncodedManifest } from "./artifact-manifest.ts";
import { ANNOTATION, type Descriptor, OCI } from "./oci.ts";
import type { Fault } from "./text-rule.ts";
import { timestamp } from "./timestamp.ts";

/** Label of an image's configuration, and annotation of its manifest: digest of the lock of the toolchain in it. */
export const TOOLCHAIN_LABEL = "releases.powernode.io/toolchain";

/** An image's repository and digest, of `<repository>@sha256:…` as documents hold it (addresses.ts, PINNED_IMAGE). */
export function pinnedParts(image: string): { readonly repository: string; readonly digest: Digest } {
  const [repository = "", digest] = image.split("@");
  return { repository, digest: Digest.parse(digest) };
}

/** One layer: its blob, and what the blob is once it is unpacked (OCI image-spec, config.md "Layer DiffID"). */
export type ImageLayer = {
  readonly blob: Descriptor;
  readonly diffId: Digest;
  /** what it holds, for people */
  readonly comment: string;
};

/** What a container of an image is started with. */
export type ImageConfig = {
  /** `uid:gid`, numbers: a cluster cannot tell that a name is not root */
  readonly user: string;
  readonly entrypoint: readonly string[];
  readonly command: readonly string[];
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string>>;
};

export type ImageContent = ImageConfig & {
  readonly arch: Arch;
  /** the lowest first */
  readonly layers: readonly ImageLayer[];
  readonly labels: Readonly<Record<string, string>>;
  /** seconds since 1970; becomes the creation date */
  readonly sourceDateEpoch: number;
};

/** An image as it is stored: a configuration, which is a blob, and the manifest that names it and the layers. */
export type EncodedImage = { readonly config: Uint8Array; readonly manifest: EncodedManifest };

const encode = (mediaType: string, value: unknown): EncodedManifest => {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } };
};

/**
 * Configuration and manifest of a container image (OCI image-spec, config.md and manifest.md) in canonical JSON: same
 * content, same digest. Labels are annotations of the manifest too, where they can be read without the configuration.
 */
export function encodeImage(content: ImageContent): EncodedImage {
  const { arch, layers, labels, env, sourceDateEpoch } = content;
  const created = timestamp(new Date(sourceDateEpoch * 1000));
  const config = encode(OCI.config, {
    created,
    architecture: arch,
    os: "linux",
    config: {
      User: content.user,
      Env: Object.entries(env)
        .map(([name, value]) => `${name}=${value}`)
        .toSorted(),
      Entrypoint: content.entrypoint,
      Cmd: content.command,
      WorkingDir: content.workingDirectory,
      Labels: labels,
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ comment }) => ({ created, created_by: "imgrel images", comment })),
  });
  const manifest = encode(OCI.manifest, {
    schemaVersion: 2,
    mediaType: OCI.manifest,
    config: config.descriptor,
    layers: layers.map(({ blob }) => blob),
    annotations: { ...labels, [ANNOTATION.created]: created },
  });
  return { config: config.bytes, manifest };
}

/**
 * Why a release cannot be built with an image: its lock names another toolchain than the image has. Undefined if it can.
 * @param annotations of the image's manifest, as readManifestLinks shows them
 */
export function toolchainFault(
  lock: Pick<Lock, "toolchain">,
  annotations: Readonly<Record<string, string>> | undefined,
): Fault | undefined {
  const has = annotations?.[TOOLCHAIN_LABEL];
  if (has !== undefined && has === lock.toolchain) return undefined;
  return {
    message: `the lock is for the toolchain ${lock.toolchain ?? "none"}, the builder's image has ${has ?? "none"}`,
    remedy: "lock the release anew with the imgrel that made the image, or give the class the image of that toolchain",
  };
}

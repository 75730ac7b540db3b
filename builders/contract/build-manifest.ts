import { z } from "zod";
import { Digest, Sha256Hex } from "./digest.ts";
import { Arch, Variant } from "./variant.ts";

export const ManifestArtifact = z.strictObject({
  sha256: Sha256Hex,
  size_bytes: z.int().nonnegative(),
  /** what `fsverity digest` prints for the file */
  fsverity_digest: Digest,
});
export type ManifestArtifact = z.infer<typeof ManifestArtifact>;

/**
 * `build-manifest.json` v1, one per arch (platform contract). It holds nothing that may differ between two
 * runs, so it is compared and signed like an artifact. Keys are the platform's; the last four are ours.
 */
export const BuildManifest = z.strictObject({
  schema_version: z.literal(1),
  arch: Arch,
  base_image_digest: Digest.nullable(),
  apt_snapshot: z.string(),
  kernel_version: z.string().min(1),
  git_sha: z.string(),
  variants: z.array(Variant),
  /** keyed by path below the output folder, `<arch>/<variant>/<file>` */
  artifacts: z.record(z.string(), ManifestArtifact),
  oci_digest: Digest.nullable(),
  /** Merkle root of the root image */
  fsverity_root_hash: Digest,
  /** the root image itself: its digest is what the initramfs compares before it mounts */
  root_image: z.strictObject({
    sha256: Sha256Hex,
    size_bytes: z.int().positive(),
    fsverity_digest: Digest,
  }),
  lock_digest: Digest,
  toolchain_digest: Digest,
  source_date_epoch: z.int().nonnegative(),
});
export type BuildManifest = z.infer<typeof BuildManifest>;

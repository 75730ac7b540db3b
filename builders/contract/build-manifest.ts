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

/** A file that a build cannot have made empty. */
const FileWithContent = ManifestArtifact.extend({ size_bytes: z.int().positive() });

/**
 * `build-manifest.json` v1, one per arch (platform contract). It holds nothing that may differ between two
 * runs, so it is compared and signed like an artifact. Keys are the platform's; the last six are ours.
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
  root_image: FileWithContent,
  /**
   * the root as a composefs, a file of the run beside its variants ({@link ROOT_FILES}): its fsverity_digest is the
   * composefs digest, which a mount is given. A variant's own folder has the digest only
   */
  composefs: FileWithContent,
  /** dpkg's record of what is installed in the root, byte for byte; it lies as the composefs does */
  dpkg_status: FileWithContent,
  lock_digest: Digest,
  toolchain_digest: Digest,
  source_date_epoch: z.int().nonnegative(),
});
export type BuildManifest = z.infer<typeof BuildManifest>;

/** Files that tell of the root, by their key in the manifest: they lie in a run's `<arch>/`, beside the variants. */
export const ROOT_FILES = { composefs: "root.cfs", dpkg_status: "dpkg-status" } as const;
export type RootFile = keyof typeof ROOT_FILES;

/** Path of such a file below the output folder. */
export const rootFilePath = (arch: Arch, key: RootFile): string => `${arch}/${ROOT_FILES[key]}`;

/** What a manifest says of every file of its run but itself: path below the output folder, and field of the manifest. */
export function describedFiles(
  manifest: BuildManifest,
): { readonly path: string; readonly field: string; readonly said: ManifestArtifact }[] {
  const { arch, artifacts } = manifest;
  const keys: readonly RootFile[] = ["composefs", "dpkg_status"];
  return [
    ...Object.entries(artifacts).map(([path, said]) => ({ path, field: `artifacts["${path}"]`, said })),
    ...keys.map((key) => ({ path: rootFilePath(arch, key), field: key, said: manifest[key] })),
  ];
}

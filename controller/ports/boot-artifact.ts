import type { Digest } from "../../builders/contract/digest.ts";
import type { Medium } from "../../builders/contract/machine.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";

type KernelMedium = Extract<Medium, { kind: "kernel" }>;
type DiskMedium = Extract<Medium, { kind: "disk" }>;

/** An artifact that can be booted, found in a folder, its files hashed. */
export type BootArtifact = {
  readonly folder: string;
  readonly variant: Variant;
  readonly arch: Arch;
  /** fs-verity digest of the root image, from the artifact's own command line */
  readonly rootDigest: Digest;
  /** where its root image lies: `embedded:<path>` or `partition:<PARTUUID>`, read from the artifact */
  readonly backing: string;
  /** what QEMU boots; firmware and bus of a disk are the caller's choice. `persistMiB`: partition persist, MiB */
  readonly medium:
    | KernelMedium
    | (Omit<DiskMedium, "firmware" | "bus"> & {
        readonly persistMiB: number;
      });
};

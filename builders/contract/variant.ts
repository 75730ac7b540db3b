import { z } from "zod";

/** CPU architectures, by their dpkg names. */
export const ARCHES = ["amd64", "arm64"] as const;
export const Arch = z.enum(ARCHES);
export type Arch = z.infer<typeof Arch>;

/** What a release can contain (docs/architecture.md, "Variants"). */
export const VARIANTS = [
  "kernel-initrd",
  "raw",
  "iso",
  "ipxe",
  "qcow2",
  "oci",
  "disk-image-rpi4",
  "disk-image-arm64-uefi",
] as const;
export const Variant = z.enum(VARIANTS);
export type Variant = z.infer<typeof Variant>;

const ARM64_ONLY: readonly Variant[] = ["disk-image-rpi4", "disk-image-arm64-uefi"];

/** Whether `variant` exists for `arch`: the two disk-image variants are arm64 boards. */
export const variantExistsFor = (variant: Variant, arch: Arch): boolean =>
  arch === "arm64" || !ARM64_ONLY.includes(variant);

/** Variants that are one `*.img` file, which the platform ingests: only these may carry a platformName. */
export const IMG_VARIANTS: readonly Variant[] = ["raw", "disk-image-rpi4", "disk-image-arm64-uefi"];

/** The one file of each variant that is a disk. */
export const DISK_FILES: Partial<Readonly<Record<Variant, string>>> = { raw: "installer.img", qcow2: "cloud.qcow2" };

/** Disk images' formats, by QEMU's names. */
export const diskFormat = (file: string): "raw" | "qcow2" => (file.endsWith(".qcow2") ? "qcow2" : "raw");

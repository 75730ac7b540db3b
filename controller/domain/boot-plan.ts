import type { Bus, Firmware } from "../../builders/contract/boot.ts";
import { firmwaresFor } from "../../builders/contract/machine.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";

/** One boot that an artifact must pass. A variant that QEMU loads without a disk has neither firmware nor bus. */
export type PlannedBoot = {
  readonly variant: Variant;
  readonly firmware: Firmware | null;
  readonly bus: Bus | null;
};

const DISKS: readonly Variant[] = ["raw", "qcow2"];

/** Every boot that the artifacts of an arch must pass: each disk in every firmware that its users have. */
export const bootPlan = (variants: readonly Variant[], arch: Arch): PlannedBoot[] =>
  variants.flatMap((variant): PlannedBoot[] => {
    if (variant === "kernel-initrd") return [{ variant, firmware: null, bus: null }];
    if (!DISKS.includes(variant)) return [];
    return firmwaresFor(arch).map((firmware) => ({ variant, firmware, bus: "virtio-blk" }));
  });

/** A boot's name in folders, progress and reports, such as `raw-uefi`. */
export const bootName = ({ variant, firmware }: PlannedBoot): string =>
  firmware === null ? variant : `${variant}-${firmware}`;

import type { Bus, DiskBoot, Firmware } from "../../builders/contract/boot.ts";
import { firmwaresFor } from "../../builders/contract/machine.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "./errors.ts";

/** A boot's disk is this much larger than its image, MiB, as a disk that an image was written to: persist must grow. */
const EXTRA_MIB = 1024;
/** At most this much of persist is not there for files, MiB: journal, inodes and the reserve for growing. */
const OVERHEAD_MIB = 96;

/**
 * How a disk is booted: with the firmware that is asked for, else the architecture's most common one.
 * @param persistMiB size of the partition persist in the image
 * @throws ReleaseError Usage for a firmware that machines of the architecture do not have
 */
export function diskBootFor(
  arch: Arch,
  persistMiB: number,
  choice: { readonly firmware?: Firmware | undefined; readonly bus?: Bus },
): DiskBoot {
  const known = firmwaresFor(arch);
  const { firmware = known[0] ?? "uefi", bus = "virtio-blk" } = choice;
  if (!known.includes(firmware)) {
    throw new ReleaseError("Usage", `${arch} machines have no ${firmware}`, `choose of ${known.join(", ")}`);
  }
  return { firmware, bus, extraMiB: EXTRA_MIB, persistMiB: persistMiB + EXTRA_MIB - OVERHEAD_MIB };
}

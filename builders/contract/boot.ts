import { z } from "zod";
import { Digest } from "./digest.ts";
import { Arch, Variant } from "./variant.ts";

const Uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "must be a lower-case UUID");

/** What starts a disk: SeaBIOS or OVMF. A kernel that QEMU loads itself needs neither. */
export const FIRMWARES = ["bios", "uefi"] as const;
export const Firmware = z.enum(FIRMWARES);
export type Firmware = z.infer<typeof Firmware>;

/** How a disk is attached. */
export const BUSES = ["virtio-blk", "virtio-scsi", "nvme", "ahci"] as const;
export const Bus = z.enum(BUSES);
export type Bus = z.infer<typeof Bus>;

/** One way to start a disk. */
export const DiskBoot = z.strictObject({
  firmware: Firmware,
  bus: Bus,
  /** the guest's disk is this much larger than the image, MiB: persist must grow by it */
  extraMiB: z.int().min(0).max(1_048_576),
  /** least size of /persist that the agent must report, MiB */
  persistMiB: z.int().min(1),
});
export type DiskBoot = z.infer<typeof DiskBoot>;

/** Asks the builder to boot one artifact in QEMU, as its users would. */
export const BootRequest = z.strictObject({
  schemaVersion: z.literal(1),
  arch: Arch,
  variant: Variant,
  /** drawn at random for this boot and handed to the guest through fw-cfg */
  identity: Uuid,
  /** fs-verity digest that the guest's initramfs must compute itself */
  rootDigest: Digest,
  /** what the agent must report below its lower layer: `embedded:<path>` or `partition:<PARTUUID>` */
  backing: z.string().regex(/^(embedded:\/[a-z0-9./-]+|partition:[0-9a-f-]{36})$/),
  /** the disk to boot from; null if QEMU loads the kernel itself */
  disk: DiskBoot.nullable(),
  memoryMiB: z.int().min(512).max(65_536),
  timeoutSeconds: z.int().min(10).max(7200),
});
export type BootRequest = z.infer<typeof BootRequest>;

/** What a boot proved, or why it did not. The serial log beside it is the evidence. */
export const BootResult = z.strictObject({
  schemaVersion: z.literal(1),
  passed: z.boolean(),
  /** one sentence: what was seen, or what was expected and did not come */
  reason: z.string(),
  /** the agent's line as it came from the console, or null */
  agentLine: z.string().nullable(),
  durationSeconds: z.number().nonnegative(),
  /** QEMU's version and its arguments, as run */
  emulator: z.string(),
  commandLine: z.array(z.string()),
  /** the last lines of the console, at most 40 */
  consoleTail: z.array(z.string()).max(40),
});
export type BootResult = z.infer<typeof BootResult>;

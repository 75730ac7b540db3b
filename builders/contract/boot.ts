import { z } from "zod";
import { Digest } from "./digest.ts";
import { Arch, Variant } from "./variant.ts";

const Uuid = z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, "must be a lower-case UUID");

/** Asks the builder to boot one artifact in QEMU, as its users would. */
export const BootRequest = z.strictObject({
  schemaVersion: z.literal(1),
  arch: Arch,
  variant: Variant,
  /** drawn at random for this boot and handed to the guest through fw-cfg */
  identity: Uuid,
  /** fs-verity digest that the guest's initramfs must compute itself */
  rootDigest: Digest,
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

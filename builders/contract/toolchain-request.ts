import { z } from "zod";
import { Lock } from "./lock.ts";

/** Asks the builder for a toolchain root: the packages of a toolchain lock, installed in a folder. */
export const ToolchainRequest = z.strictObject({
  schemaVersion: z.literal(1),
  /** seconds since 1970, from the lock's index: every time stamp that a maintainer script writes */
  sourceDateEpoch: z.int().nonnegative(),
  lock: Lock,
});
export type ToolchainRequest = z.infer<typeof ToolchainRequest>;

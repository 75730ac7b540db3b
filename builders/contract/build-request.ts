import { z } from "zod";
import { Digest } from "./digest.ts";
import { Lock } from "./lock.ts";
import { Arch, Variant } from "./variant.ts";

/** Everything that decides the bytes of one arch's artifacts: one run gets this, and nothing else varies them. */
export const BuildRequest = z.strictObject({
  schemaVersion: z.literal(1),
  release: z.string().min(1).max(63),
  version: z.string().min(1).max(64),
  arch: Arch,
  variants: z.array(Variant).min(1),
  kernelPackage: z.string().min(1),
  /** seconds since 1970; every time stamp in an artifact */
  sourceDateEpoch: z.int().nonnegative(),
  /** commit that last touched the spec */
  gitSha: z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/),
  baseImageDigest: Digest.nullable(),
  /** snapshot of the package archive that the lock was made from */
  aptSnapshot: z.string().regex(/^[0-9]{8}T[0-9]{6}Z$/),
  lock: Lock,
});
export type BuildRequest = z.infer<typeof BuildRequest>;

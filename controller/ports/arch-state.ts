import type { BootResult } from "../../builders/contract/boot.ts";
import type { Digest } from "../../builders/contract/digest.ts";

/** What was proven of the artifacts of one arch. */
export type ArchState = {
  /** the work that it is about: request, toolchain and builder */
  readonly key: Digest;
  /** digest of the manifest of the run that was compared and booted */
  readonly manifest: Digest;
  /** all runs were compared and are the same to the byte */
  readonly reproduced: boolean;
  /** boots that passed, by name */
  readonly boots: Readonly<Record<string, BootResult>>;
};

/** Remembers what was proven, so that a run which was interrupted goes on where it was. */
export type ArchStateStore = {
  /** The state of exactly this work and manifest; of any other, nothing is proven. */
  readonly read: (of: Pick<ArchState, "key" | "manifest">) => Promise<ArchState>;
  readonly write: (state: ArchState) => Promise<void>;
};

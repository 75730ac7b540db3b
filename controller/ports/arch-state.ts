import type { Digest } from "../../builders/contract/digest.ts";
import type { ArchProof } from "../domain/run-record.ts";

/** What was proven of the artifacts of one arch. */
export type ArchState = ArchProof & {
  /** the work that it is about: request, toolchain and builder */
  readonly key: Digest;
  /** digest of the manifest of the run that was compared and booted */
  readonly manifest: Digest;
};

/** Remembers what was proven, so that a run which was interrupted goes on where it was. */
export type ArchStateStore = {
  /** The state of exactly this work and manifest; of any other, nothing is proven. */
  readonly read: (of: Pick<ArchState, "key" | "manifest">) => Promise<ArchState>;
  readonly write: (state: ArchState) => Promise<void>;
};

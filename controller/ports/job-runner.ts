import type { BootResult, DiskBoot } from "../../builders/contract/boot.ts";
import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import type { BuildRequest } from "../../builders/contract/build-request.ts";
import type { Digest, Sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import type { RunRecord } from "../domain/run-record.ts";

/** One run of one arch: the same request, built anew. `run` counts from 1. */
export type BuildJob = { readonly request: BuildRequest; readonly run: number; readonly toolchain: Lock };

/** A finished run. */
export type BuiltRun = {
  /** what the run is of: request, toolchain and builder */
  readonly key: Digest;
  readonly manifest: BuildManifest;
  /** digest of `build-manifest.json` as the run wrote it */
  readonly manifestDigest: Digest;
  /** when and where it was done */
  readonly record: RunRecord;
  /** folder that holds `<arch>/build-manifest.json` and the artifacts below it */
  readonly output: string;
};

/** An artifact to boot as its users would. */
export type BootJob = {
  readonly arch: Arch;
  readonly variant: Variant;
  /** folder with the artifact's files */
  readonly artifact: string;
  /** folder for the evidence: serial.log and boot.json */
  readonly evidence: string;
  /** fs-verity digest that the guest must compute */
  readonly rootDigest: string;
  /** what must lie below the guest's lower layer: `embedded:<path>` or `partition:<PARTUUID>` */
  readonly backing: string;
  /** how the disk is started and attached; null for an artifact that is none */
  readonly disk: DiskBoot | null;
  readonly memoryMiB: number;
  readonly timeoutSeconds: number;
  /** lock of the toolchain whose QEMU boots it */
  readonly toolchain: Lock;
};

/** How a boot ended, and the SHA-256 of the console's log, which is the evidence. */
export type BootOutcome = { readonly result: BootResult; readonly serialLog: Sha256Hex };

/** Runs the builder: a process tree here, Jobs in a cluster. What it throws is final, until it is asked again. */
export type JobRunner = {
  /**
   * A run that was built before and whose every file still is what it was; null if there is none. Builds nothing, but it
   * may bring here what a run left elsewhere.
   */
  readonly finished: (job: BuildJob, signal: AbortSignal) => Promise<BuiltRun | null>;
  /**
   * A run that finished before, of the same request, toolchain and builder, and whose files are all what they were, is
   * not done again.
   * @throws BuildError of the step that failed; ReleaseError where a Job tells how it ended
   */
  readonly build: (job: BuildJob, signal: AbortSignal) => Promise<BuiltRun>;
  /**
   * A boot that did not prove itself is a result, not an error.
   * @throws BuildError if QEMU could not be run at all
   */
  readonly boot: (job: BootJob, signal: AbortSignal) => Promise<BootOutcome>;
  /** A small file of a run, by path below its output folder, as text. Whether it is the right one is the caller's to check. */
  readonly readText: (run: BuiltRun, path: string) => Promise<string>;
  /** Removes a run's bytes. What it was and when it was done is the caller's to keep. */
  readonly discard: (job: BuildJob, signal: AbortSignal) => Promise<void>;
};

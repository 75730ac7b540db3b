import type { Arch } from "../../builders/contract/variant.ts";
import type { ComparisonReport } from "../domain/comparison-report.ts";

/** All runs of one arch of a release. */
export type CompareJob = {
  readonly release: string;
  readonly version: string;
  readonly arch: Arch;
  /** `output` holds `<arch>/build-manifest.json` and the artifacts below it */
  readonly runs: readonly { readonly run: number; readonly output: string }[];
  /** folder for comparison.json and comparison.txt, and for what diffoscope prints */
  readonly folder: string;
};

/** Compares runs to the byte. */
export type Comparator = {
  /**
   * Hashes every file of every run itself and, where they differ, finds out where. Changes no run.
   * @throws NodeJS.ErrnoException if a run cannot be read; the signal's reason if it fires
   */
  readonly compare: (job: CompareJob, signal: AbortSignal) => Promise<ComparisonReport>;
};

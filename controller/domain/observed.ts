import type { Digest } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import type { ComparisonReport } from "./comparison-report.ts";
import type { DocumentName, TargetRef } from "./target.ts";
import type { Failure } from "./verdict.ts";

/** What `records/<release>/` holds. */
export type ObservedRecord =
  | { readonly kind: "absent" }
  /** a record that verifies under the signer of this class */
  | { readonly kind: "recorded"; readonly specDigest: Digest; readonly version: string; readonly commit: string }
  /** a verdict that ended a version; it is not signed */
  | {
      readonly kind: "failed";
      readonly specDigest: Digest;
      readonly version: string;
      readonly commit: string;
      readonly failure: Failure;
    }
  | { readonly kind: "invalid"; readonly message: string };

/** What was found out about one architecture. */
export type ArchObservation = {
  readonly arch: Arch;
  readonly variants: readonly Variant[];
  /** how many runs must be the same */
  readonly runs: number;
  /** runs that are finished, their bytes here and whole */
  readonly finished: ReadonlySet<number>;
  /** what the comparison of these very bytes came to; null: they were not compared */
  readonly verdict: ComparisonReport["verdict"] | null;
  /** what it found first, as a clause (comparison-report.ts); null: nothing */
  readonly fault: string | null;
  /** by name (boot-plan.ts): boots of these very bytes that ended */
  readonly boots: ReadonlyMap<string, { readonly passed: boolean; readonly reason: string }>;
};

/** What the registry holds of one target. */
export type TargetObservation = TargetRef & {
  /** its files and the manifest that signatures are attached to */
  readonly staged: boolean;
  /** documents that are signed and stored there */
  readonly documents: ReadonlySet<DocumentName>;
  /** the manifest that users pull */
  readonly published: boolean;
  /** where the version tag points; `other`: to something that is not ours */
  readonly tag: "absent" | "ours" | "other";
};

/** The class's gate, and what the caller left out. */
export type ObservedGate = {
  readonly reproducibility: "Enforce" | "Report";
  readonly boot: "Enforce" | "Report";
  /** false: boots are left out this time */
  readonly bootWanted: boolean;
};

/** Everything that {@link decide} knows of a release. It holds no time and no path. */
export type Observed = {
  readonly specDigest: Digest;
  readonly version: string;
  readonly record: ObservedRecord;
  readonly gate: ObservedGate;
  /** keep the bytes of all runs although they are the same */
  readonly keepRuns: boolean;
  /** most boots at once */
  readonly parallelBoots: number;
  readonly inputsArchived: boolean;
  readonly arches: readonly ArchObservation[];
  readonly targets: readonly TargetObservation[];
  /** keys of the actions that are under way */
  readonly running: ReadonlySet<string>;
};

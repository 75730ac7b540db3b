import type { Digest } from "../../builders/contract/digest.ts";
import { ARCHES } from "../../builders/contract/variant.ts";
import type { ClusterRelease } from "./cluster-objects.ts";
import type { Observed, ObservedRecord } from "./observed.ts";
import { RUNS } from "./release.ts";

/**
 * What is known of a release of which nothing was looked at but its record: what it asks for, and that nothing of it is
 * done. For the status of one that is not admitted, or that is adopted from its record.
 */
export function unobserved({ spec }: ClusterRelease, specDigest: Digest, record: ObservedRecord): Observed {
  const runs = Math.max(RUNS.min, spec.builds ?? RUNS.min);
  const arches = ARCHES.filter((arch) => spec.targets.some((target) => target.arch === arch));
  return {
    ...{
      specDigest,
      version: spec.version,
      record,
      keepRuns: false,
      parallelBoots: 1,
      inputsArchived: false,
      running: new Set(),
    },
    gate: { reproducibility: "Enforce", boot: "Enforce", bootWanted: true },
    arches: arches.map((arch) => ({
      ...{ arch, runs, finished: new Set(), verdict: null, fault: null, boots: new Map() },
      variants: spec.targets.filter((target) => target.arch === arch).map(({ variant }) => variant),
    })),
    targets: spec.targets.map(({ arch, variant }) => ({
      ...{ arch, variant, staged: false, documents: new Set(), published: false, tag: "absent" },
    })),
  };
}

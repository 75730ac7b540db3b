import { z } from "zod";
import { ArtifactDifference } from "../../builders/contract/difference.ts";
import { Digest, Sha256Hex } from "../../builders/contract/digest.ts";
import { Arch } from "../../builders/contract/variant.ts";
import type { Verdict } from "./comparison.ts";

const Run = z.int().positive();
const Facts = { sha256: Sha256Hex, sizeBytes: z.int().nonnegative(), fsverityDigest: Digest };

/** What diffoscope had to say: the file with its output, or why there is none. */
export const DiffoscopeResult = z.union([z.strictObject({ file: z.string() }), z.strictObject({ absent: z.string() })]);
export type DiffoscopeResult = z.infer<typeof DiffoscopeResult>;

/** Two versions of an artifact against each other; `runs` are the first ones that made them. */
export const VersionComparison = z.strictObject({
  runs: z.tuple([Run, Run]),
  ...ArtifactDifference.shape,
  diffoscope: DiffoscopeResult,
});
export type VersionComparison = z.infer<typeof VersionComparison>;

export const ReportedDifference = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("content"),
    path: z.string(),
    versions: z.array(z.strictObject({ runs: z.array(Run).min(1), ...Facts })).min(2),
    /** the first version against each other one */
    comparisons: z.array(VersionComparison).min(1),
  }),
  z.strictObject({
    kind: z.literal("missing"),
    path: z.string(),
    presentIn: z.array(Run).min(1),
    missingIn: z.array(Run).min(1),
  }),
  z.strictObject({
    kind: z.literal("manifest"),
    field: z.string(),
    /** canonical JSON; null where a run's manifest lacks the field */
    values: z.array(z.strictObject({ run: Run, value: z.string().nullable() })).min(2),
  }),
  /** a test made this run wrong on purpose */
  z.strictObject({ kind: z.literal("perturbed"), run: Run }),
]);
export type ReportedDifference = z.infer<typeof ReportedDifference>;

/**
 * `comparison.json`: the verdict over all runs of one arch and its reasons. Paths are those below a run's output
 * folder. It holds no time and no host, so the same bytes give the same report.
 */
export const ComparisonReport = z.strictObject({
  schemaVersion: z.literal(1),
  release: z.string(),
  version: z.string(),
  arch: Arch,
  runs: z.array(Run).min(2),
  verdict: z.enum(["Reproduced", "NotReproducible", "ManifestMismatch"]),
  /** every file of the runs as the comparator hashed it, manifest included; empty unless all agree */
  artifacts: z.array(z.strictObject({ path: z.string(), ...Facts })),
  /** where a run's manifest is not true of its own files */
  faults: z.array(z.strictObject({ run: Run, path: z.string(), message: z.string() })),
  differences: z.array(ReportedDifference),
});
export type ComparisonReport = z.infer<typeof ComparisonReport>;

const VERDICTS = {
  reproduced: "Reproduced",
  "not-reproducible": "NotReproducible",
  "manifest-mismatch": "ManifestMismatch",
} as const satisfies Record<Verdict["kind"], ComparisonReport["verdict"]>;

/** A verdict and what was found out about its differences, in the form that is stored. */
export const reportOf = (
  about: Pick<ComparisonReport, "release" | "version" | "arch">,
  verdict: Verdict,
  differences: readonly ReportedDifference[],
): ComparisonReport => ({
  schemaVersion: 1,
  release: about.release,
  version: about.version,
  arch: about.arch,
  runs: [...verdict.runs],
  verdict: VERDICTS[verdict.kind],
  artifacts: verdict.kind === "reproduced" ? [...verdict.artifacts] : [],
  faults: verdict.kind === "manifest-mismatch" ? [...verdict.faults] : [],
  differences: [...differences],
});

/** What a comparison found first, as a clause; null if all runs are the same. */
export function faultOf({ verdict, runs, differences, faults }: ComparisonReport): string | null {
  if (verdict === "Reproduced") return null;
  if (verdict === "ManifestMismatch") {
    const [fault] = faults;
    return `the manifest of run ${fault?.run} is not true of its files: ${fault?.path} ${fault?.message}`;
  }
  const places = differences.flatMap((one) => ("path" in one ? [one.path] : "field" in one ? [one.field] : []));
  return `runs ${runs.join(" and ")} differ${places[0] === undefined ? "" : `, first in ${places[0]}`}`;
}

import { basename, join } from "node:path";
import { stableJson } from "../../../builders/contract/digest.ts";
import type { ArtifactDifference } from "../../../builders/contract/difference.ts";
import type { Report } from "../../../builders/contract/progress.ts";
import { compareFiles } from "../../../builders/host/compare-files.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { timed } from "../../../builders/host/step.ts";
import { explainFiles } from "../../../builders/readers/explain-files.ts";
import { compareRuns, type Difference } from "../../domain/comparison.ts";
import {
  type ComparisonReport,
  type ReportedDifference,
  reportOf,
  type VersionComparison,
} from "../../domain/comparison-report.ts";
import { comparisonText } from "../../domain/comparison-text.ts";
import type { Comparator, CompareJob } from "../../ports/comparator.ts";
import { runDiffoscope } from "./diffoscope.ts";
import { readRunFacts } from "./run-facts.ts";

/** Names of the report's two forms in the job's folder. */
export const COMPARISON_FILES = { json: "comparison.json", text: "comparison.txt" } as const;

/** Both versions of one artifact, to the byte and as deep as their formats tell. */
async function compareVersions(left: string, right: string, signal: AbortSignal): Promise<ArtifactDifference> {
  const difference = await compareFiles(left, right, { signal });
  if (difference === null) throw new Error(`${left} and ${right} had different hashes, but now they are the same`);
  const { firstByte, findings, notes } = await explainFiles(left, right, difference, signal);
  return {
    ...difference,
    sizes: [...difference.sizes],
    ranges: [...difference.ranges],
    firstByte: [...firstByte],
    findings: [...findings],
    notes: [...notes],
  };
}

async function explain(difference: Difference, job: CompareJob, signal: AbortSignal): Promise<ReportedDifference> {
  if (difference.kind === "missing") {
    return { ...difference, presentIn: [...difference.presentIn], missingIn: [...difference.missingIn] };
  }
  if (difference.kind === "perturbed") return difference;
  if (difference.kind === "manifest") return { ...difference, values: [...difference.values] };
  const fileOf = (run: number | undefined): string => {
    const found = job.runs.find((one) => one.run === run);
    if (found === undefined) throw new Error(`no run ${run}`);
    return join(found.output, difference.path);
  };
  const [first, ...others] = difference.versions.map(({ runs }) => runs[0] ?? 0);
  const comparisons: VersionComparison[] = [];
  for (const other of others) {
    const [left, right] = [fileOf(first), fileOf(other)];
    const found = await compareVersions(left, right, signal);
    const output = join(job.folder, "diffoscope", `${difference.path}.run-${first}-${other}.txt`);
    const diffoscope = await runDiffoscope({ left, right, output }, signal);
    comparisons.push({
      runs: [first ?? 0, other],
      ...found,
      diffoscope: "file" in diffoscope ? { file: output.slice(job.folder.length + 1) } : diffoscope,
    });
  }
  const versions = difference.versions.map((version) => ({ ...version, runs: [...version.runs] }));
  return { kind: "content", path: difference.path, versions, comparisons };
}

const DERIVED: readonly string[] = ["SHA256SUMS", "build-manifest.json"];

/** What follows from other artifacts comes last: sums and manifests hold their hashes. */
function rank(difference: Difference): number {
  if (difference.kind === "perturbed") return 0;
  if (difference.kind === "manifest") return 3;
  return DERIVED.includes(basename(difference.path)) ? 2 : 1;
}

async function compare(job: CompareJob, signal: AbortSignal, report: Report, step: string): Promise<ComparisonReport> {
  const facts = [];
  for (const run of job.runs) {
    report({ event: "action", step, text: `hashing run ${run.run}` });
    facts.push(await readRunFacts(run, job.arch, signal));
  }
  const verdict = compareRuns(job.arch, facts);
  const differences = verdict.kind === "reproduced" ? [] : verdict.differences;
  const explained: ReportedDifference[] = [];
  for (const one of differences.toSorted((a, b) => rank(a) - rank(b))) {
    if ("path" in one) report({ event: "action", step, text: `differs: ${one.path}` });
    explained.push(await explain(one, job, signal));
  }
  return reportOf(job, verdict, explained);
}

/** Compares runs whose output lies on this machine; leaves the report in the job's folder as JSON and as text. */
export function localComparator(options: { readonly report: Report }): Comparator {
  return {
    compare: (job, signal) => {
      const step = `${job.arch} compare`;
      return timed(options.report, step, async () => {
        const result = await compare(job, signal, options.report, step);
        await writeFileAtomic(join(job.folder, COMPARISON_FILES.json), stableJson(result));
        await writeFileAtomic(join(job.folder, COMPARISON_FILES.text), comparisonText(result));
        return { value: result };
      });
    },
  };
}

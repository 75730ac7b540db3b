import { oneLine } from "../format.ts";
import type { ReleaseStatus } from "../release-status.ts";
import type { AttemptOutcome } from "./job-outcome.ts";
import type { JobRef } from "./object-names.ts";

/** How the last attempt at a Job stands. */
export type JobProgress = {
  readonly ref: JobRef;
  /** from 1 */
  readonly attempt: number;
  /** name of that attempt's Job */
  readonly job: string;
  readonly node: string | null;
  readonly state: "Pending" | "Running" | "Succeeded" | "Failed";
  /** what it waits for, or why it failed, in the cluster's own words; null: nobody says */
  readonly reason: string | null;
};

/** Most characters of a reason: the scheduler says something about every node. */
const REASON = 1024;

const STATES = { pending: "Pending", running: "Running", succeeded: "Succeeded", failed: "Failed" } as const;

export function jobProgress(ref: JobRef, attempt: number, job: string, outcome: AttemptOutcome): JobProgress {
  const node = outcome.state === "pending" ? null : outcome.node;
  const said = outcome.state === "pending" || outcome.state === "failed" ? outcome.message : null;
  const reason = said === null ? null : oneLine(said).slice(0, REASON);
  return { ref, attempt, job, node, state: STATES[outcome.state], reason };
}

/** What a Job is called, apart from how often it was tried: `amd64 run 2 build`, `amd64 raw-uefi boot`. */
export function jobTitle(ref: JobRef): string {
  const which = "run" in ref ? `run ${ref.run} ` : "boot" in ref ? `${ref.boot} ` : "";
  return `${ref.arch} ${which}${ref.step}`;
}

/** What holds a release up, for people; null: nothing that anybody told. */
export function waitingText(jobs: Iterable<JobProgress>): string | null {
  const waiting = [...jobs].flatMap(({ ref, state, reason }) =>
    state === "Pending" && reason !== null ? [`${jobTitle(ref)} waits: ${reason}`] : [],
  );
  const [first] = waiting.toSorted();
  if (first === undefined) return null;
  return waiting.length === 1 ? first : `${first} (and ${waiting.length - 1} more)`;
}

type Run = NonNullable<ReleaseStatus["builds"]>[number];

/** The runs of a status, with what is known now of those that are worked on. */
export function runsWith(before: readonly Run[], jobs: Iterable<JobProgress>): Run[] {
  const runs = new Map(before.map((run) => [`${run.arch} ${run.run}`, run]));
  for (const { ref, attempt, job, node, state, reason } of jobs) {
    if (ref.step !== "build") continue;
    const { arch, run } = ref;
    const known = runs.get(`${arch} ${run}`);
    const digest = known?.manifestDigest === undefined ? {} : { manifestDigest: known.manifestDigest };
    runs.set(`${arch} ${run}`, {
      ...{ arch, run, attempt, job, state, ...digest },
      ...(node === null ? {} : { node }),
      ...(reason === null ? {} : { reason }),
    });
  }
  return [...runs.values()].toSorted((a, b) => a.arch.localeCompare(b.arch) || a.run - b.run);
}

/** The runs of a release whose Jobs are suspended: none of them is on a node. */
export const heldRuns = (runs: readonly Run[]): Run[] =>
  runs.map((run) => {
    if (run.state !== "Running" && run.state !== "Pending") return run;
    const { node: _, ...rest } = run;
    return { ...rest, state: "Pending", reason: "its Job is suspended" };
  });

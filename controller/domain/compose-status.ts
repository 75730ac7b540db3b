import { type Condition, type StepType, STEPS, statusOf } from "./conditions.ts";
import type { Decision } from "./decide.ts";
import type { Observed, TargetObservation } from "./observed.ts";
import { heldRuns, type JobProgress, runsWith, waitingText } from "./jobs/job-progress.ts";
import { conditionsAfter } from "./release-conditions.ts";
import {
  type Failure,
  LOG_TAIL,
  MESSAGE,
  type Phase,
  type ReleaseStatus,
  STEP_PHASES,
  TARGET_PHASES,
  type TargetPhase,
} from "./release-status.ts";
import { documentsFor } from "./target.ts";

/** All that a status is composed of, besides what it was. */
export type Progress = {
  readonly observed: Observed;
  readonly decision: Decision;
  /** metadata.generation of the object */
  readonly generation: number;
  readonly suspended: boolean;
  /** why its Jobs go on although it is suspended; null: they do not */
  readonly notHeld: string | null;
  /** what failed last and has not passed since; null: nothing */
  readonly failure: Failure | null;
  /** how the Jobs stand that are worked on */
  readonly jobs: readonly JobProgress[];
  readonly now: Date;
};

// what an artifact or a run is, no retry can change
const VERDICTS: ReadonlySet<string> = new Set(["NotReproducible", "ReportOnly", "VerificationFailed"]);
const PASSING: ReadonlySet<Failure["class"]> = new Set(["Transient", "Resource"]);

/**
 * The status of a release after a decision (release-api.md 3.2, 3.3). Pure. What only its makers know (digests, references,
 * what was published and recorded) is taken over from `before`; they put it there.
 * @throws RangeError if a step has a reason that its condition does not know
 */
export function composeStatus(before: ReleaseStatus, progress: Progress): ReleaseStatus {
  const { observed, decision, generation, suspended, notHeld, jobs, now } = progress;
  const failure = cut(progress.failure ?? stopped(decision));
  const retried =
    failure !== null && PASSING.has(failure.class)
      ? { type: failure.step, reason: failure.reason, message: failure.message }
      : null;
  const waiting = waitingText(jobs);
  const circumstances = { now, generation, suspended, notHeld, retried, waiting };
  const conditions = conditionsAfter(before.conditions ?? [], tellWaiting(decision, waiting), circumstances);
  const done = decision.outcome.kind === "recorded";
  const { failure: _, ...kept } = before;
  // of one that is suspended nothing was looked at
  const stood = suspended && decision.outcome.kind === "working" ? before : {};
  return {
    ...kept,
    observedGeneration: generation,
    attempt: before.attempt ?? 1,
    conditions,
    phase: phaseOf(conditions, retried?.type),
    summary: stood.summary ?? summaryOf(observed, done),
    targets: observed.targets.map((target) => targetStatus(target, observed, done, before)),
    ...(jobs.length === 0 ? {} : { builds: runsWith(before.builds ?? [], jobs) }),
    ...(stood.builds === undefined || notHeld !== null ? {} : { builds: heldRuns(stood.builds) }),
    ...(failure === null || done ? {} : { failure }),
  };
}

/** The decision as it is told while a Job waits: the runs' condition says for what. */
function tellWaiting(decision: Decision, waiting: string | null): Decision {
  if (waiting === null) return decision;
  const conditions = decision.conditions.map((one) =>
    one.type === "Built" && one.reason === "Running" ? { ...one, message: `${one.message}; ${waiting}` } : one,
  );
  return { ...decision, conditions };
}

/** The failure of a release that ended; of one that goes on: none. */
function stopped({ conditions, outcome }: Decision): Failure | null {
  if (outcome.kind !== "stopped") return null;
  const cause = conditions.findLast(({ type, reason }) => statusOf(type, reason) === "False");
  const { type: step, reason } = cause ?? { type: "Verified" as const, reason: "VerificationFailed" };
  return { step, class: VERDICTS.has(reason) ? "Verdict" : "Permanent", reason, message: outcome.message };
}

/** A failure as long as a status may show it: of a log its end. */
function cut(failure: Failure | null): Failure | null {
  if (failure === null) return null;
  const { message, logTail } = failure;
  const tail = logTail === undefined ? {} : { logTail: logTail.slice(-LOG_TAIL) };
  return { ...failure, message: message.slice(0, MESSAGE), ...tail };
}

/** The conditions in one word: of the first step that is not decided yet, or is tried again. */
function phaseOf(conditions: readonly Condition[], retried: StepType | undefined): Phase {
  const of = (type: Condition["type"]) => conditions.find((condition) => condition.type === type);
  if (of("Ready")?.status === "True") return "Released";
  if (of("Stalled") !== undefined) return "Failed";
  if (of("Ready")?.reason === "Suspended") return "Suspended";
  const steps = Object.keys(STEPS) as StepType[];
  const next = steps.find((step) => step === retried || (of(step)?.status ?? "Unknown") === "Unknown");
  return STEP_PHASES[next ?? "Recorded"];
}

/** What of a recorded release was observed says nothing: it is not even looked at. */
function summaryOf({ arches, targets }: Observed, done: boolean): NonNullable<ReleaseStatus["summary"]> {
  const runs = arches.reduce((sum, one) => sum + one.runs, 0);
  const finished = arches.reduce(
    (sum, { runs: all, finished: some, verdict }) => sum + (verdict === "Reproduced" ? all : Math.min(some.size, all)),
    0,
  );
  const published = targets.filter(({ tag }) => tag === "ours").length;
  return {
    targets: `${done ? targets.length : published}/${targets.length}`,
    builds: `${done ? runs : finished}/${runs}`,
  };
}

function targetStatus(
  target: TargetObservation,
  { arches, gate }: Observed,
  done: boolean,
  before: ReleaseStatus,
): NonNullable<ReleaseStatus["targets"]>[number] {
  const { arch, variant, staged, documents, tag } = target;
  const known = before.targets?.find((one) => one.arch === arch && one.variant === variant);
  const runs = arches.find((one) => one.arch === arch)?.runs ?? 0;
  const signed = staged && documentsFor(target, { runs, booted: gate.bootWanted }).every((one) => documents.has(one));
  const phase = done || tag === "ours" ? "Published" : signed ? "Signed" : staged ? "Staged" : "Pending";
  return { ...known, arch, variant, phase: later(phase, known?.phase ?? "Pending") };
}

/** What a target has reached is not taken back. */
const later = (one: TargetPhase, other: TargetPhase): TargetPhase =>
  TARGET_PHASES.indexOf(one) >= TARGET_PHASES.indexOf(other) ? one : other;

import { isDeepStrictEqual } from "node:util";
import type { z } from "zod";
import { readBuilderLine } from "../../../builders/contract/builder-line.ts";
import { BuildError, type BuildFailure } from "../../../builders/contract/build-failure.ts";
import type { Report } from "../../../builders/contract/progress.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { type JobContext, roundOf } from "../../domain/jobs/job-frame.ts";
import {
  type AttemptFailure,
  isSuspended,
  judgeAttempt,
  PENDING_IS_LONG,
  podsOf,
  startOf,
} from "../../domain/jobs/job-outcome.ts";
import { jobProgress, type JobProgress } from "../../domain/jobs/job-progress.ts";
import type { JobManifest, ObservedJob, ObservedPod } from "../../domain/jobs/kubernetes-objects.ts";
import {
  type AttemptLimits,
  type AttemptPolicy,
  type FailedAttempt,
  failedAttempt,
  limitsAfter,
  nextAttempt,
} from "../../domain/jobs/next-attempt.ts";
import { attemptOf, attemptsSelector, LABEL, labelDigest } from "../../domain/jobs/object-labels.ts";
import { jobName, type JobRef } from "../../domain/jobs/object-names.ts";
import { type ValidOutcome, type ValidSuccess, withMessage } from "../../domain/jobs/pod-message.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";
import { releaseLooks } from "./release-looks.ts";

/** A Job that is attempted until it succeeds or no attempt is left. */
export type AttemptedJob<T> = {
  readonly ref: JobRef;
  /** what a pod that succeeds says */
  readonly message: z.ZodType<T>;
  /** first limits, cap and budget */
  readonly policy: AttemptPolicy;
  readonly manifest: (attempt: number, limits: AttemptLimits) => JobManifest | Promise<JobManifest>;
};

/** A success, and what that attempt was allowed to use. */
export type AttemptResult<T> = ValidSuccess<T> & { readonly limits: AttemptLimits; readonly job: string };

export type AttemptPorts = {
  readonly cluster: ClusterJobs;
  readonly context: Pick<JobContext, "identity" | "settings" | "retryAt">;
  readonly report: Report;
  /** told when the last attempt at a Job stands differently than before */
  readonly onJob: (progress: JobProgress) => void;
  /** milliseconds since 1970 */
  readonly now: () => number;
  /** from 0 to 1 */
  readonly random: () => number;
  /** waits so many milliseconds; throws the signal's reason if it fires */
  readonly pause: (milliseconds: number, signal: AbortSignal) => Promise<void>;
};

/** Of a failed container; a builder's failure is its last line. */
const LOG_LINES = 40;
const LOG_CHARACTERS = 4096;

type Attempt<T> = { readonly attempt: number; readonly job: ObservedJob; readonly outcome: ValidOutcome<T> };

/** The builder's own account of its failure, if the log ends with one. */
function failureIn(log: string): BuildFailure | undefined {
  for (const line of log.split("\n").toReversed()) {
    const read = readBuilderLine(line);
    if (read !== undefined && "failure" in read) return read.failure;
  }
  return undefined;
}

/** Runs attempts at Jobs of one release, wherever an earlier process left them. */
export function jobAttempts({ cluster, context, report, onJob, now, random, pause }: AttemptPorts) {
  const { identity, settings } = context;
  const { namespace } = settings;
  const round = labelDigest(roundOf(context));
  const looks = releaseLooks({ cluster, pause }, { namespace, release: identity.release });

  const selectorOf = (ref: JobRef): string => attemptsSelector(identity.release, ref);

  /** The attempts there are, in order, and which Jobs of ours they are by name. */
  async function attemptsAt<T>(
    { ref, message }: AttemptedJob<T>,
    request: string,
    isUrgent: boolean,
    signal: AbortSignal,
  ): Promise<Attempt<T>[]> {
    const { jobs: found, pods } = await looks.at(selectorOf(ref), isUrgent, signal);
    const jobs = found.flatMap((job) => {
      const attempt = attemptOf(job.metadata.labels);
      // another content of this release has other names
      return attempt !== null && job.metadata.name === jobName(identity, ref, attempt) ? [{ attempt, job }] : [];
    });
    for (const { job } of jobs) assertOurs(job, request);
    const judged = jobs.map(async ({ attempt, job }): Promise<Attempt<T>> => {
      const outcome = await judge(job, pods, signal);
      return { attempt, job, outcome: withMessage(message, outcome) };
    });
    return (await Promise.all(judged)).toSorted((a, b) => a.attempt - b.attempt);
  }

  async function judge(job: ObservedJob, pods: readonly ObservedPod[], signal: AbortSignal) {
    const outcome = judgeAttempt({ job, pods, events: [] }, now());
    const isShort = now() - Date.parse(startOf(job)) < PENDING_IS_LONG;
    if (outcome.state !== "pending" || outcome.message !== null || isShort || isSuspended(job)) return outcome;
    const own = podsOf(job, pods).flatMap(({ metadata: { uid } }) => (uid === undefined ? [] : [uid]));
    const uids = [job.metadata.uid, ...own];
    const events = await Promise.all(uids.map((uid) => cluster.listEvents({ namespace, uid }, signal)));
    return judgeAttempt({ job, pods, events: events.flat() }, now());
  }

  function assertOurs({ metadata: { name, labels } }: ObservedJob, request: string): void {
    if (labels?.[LABEL.request] === request) return;
    throw new ReleaseError(
      "NameCollision",
      `the Job ${namespace}/${name} is there, but it was asked for something else`,
      "delete it if nobody needs it, or wait until it is gone a day after its end",
    );
  }

  /** What a failed attempt's container wrote last; empty if nobody knows any more. */
  async function logOf({ pod, container, exitCode }: AttemptFailure, signal: AbortSignal): Promise<string> {
    if (pod === null || container === null || exitCode === null) return "";
    return cluster.readLog({ namespace, pod, container, lines: LOG_LINES }, signal).catch(() => {
      signal.throwIfAborted();
      return ""; // a log that cannot be read must not hide why the Job failed
    });
  }

  /** The final error of a Job, with the builder's own account or the end of its log. */
  async function finalFault(error: ReleaseError, failure: AttemptFailure, signal: AbortSignal): Promise<ReleaseError> {
    const log = await logOf(failure, signal);
    const logTail = log.slice(-LOG_CHARACTERS).trimEnd();
    const { message: said, remedy, final } = error;
    const known = failure.own ?? failureIn(log);
    const step = failure.container ?? "pod";
    const own = known ?? { code: "StepFailed", step, message: said, remedy };
    const code = own.code === "InputDigestMismatch" ? own.code : error.code;
    const message = known === undefined || failure.own !== null ? said : `${said}\nstep ${own.step}: ${own.message}`;
    return new ReleaseError(code, message, own.remedy, { cause: new BuildError({ ...own, logTail }), final });
  }

  /** The attempts that failed; those count that belong to this round. */
  const failedOnes = <T>(attempts: readonly Attempt<T>[], counting = round): FailedAttempt[] =>
    attempts.flatMap(({ attempt, job, outcome }) =>
      outcome.state === "failed" ? [failedAttempt(attempt, job, outcome, counting)] : [],
    );

  /** Creates an attempt; false: one of its name is there, which is ours, and may have come far. */
  async function create<T>(
    wanted: AttemptedJob<T>,
    attempt: number,
    limits: AttemptLimits,
    signal: AbortSignal,
  ): Promise<boolean> {
    const manifest = await wanted.manifest(attempt, limits);
    if ((await cluster.createJob(manifest, signal)) === "created") return true;
    const there = await cluster.getJob({ namespace, name: manifest.metadata.name }, signal);
    if (there !== null) assertOurs(there, manifest.metadata.labels[LABEL.request] ?? "");
    return false;
  }

  const resultOf = <T>(attempts: readonly Attempt<T>[], policy: AttemptPolicy): AttemptResult<T> | undefined => {
    const last = attempts.at(-1);
    if (last?.outcome.state !== "succeeded") return undefined;
    const { name, labels } = last.job.metadata;
    const before = failedOnes(attempts, labels?.[LABEL.round]).filter(({ counts }) => counts);
    const limits = limitsAfter(
      before.map(({ failure }) => failure.cause),
      policy,
    );
    return { ...last.outcome, limits, job: name };
  };

  const requestOf = async <T>(wanted: AttemptedJob<T>): Promise<string> =>
    (await wanted.manifest(1, limitsAfter([], wanted.policy))).metadata.labels[LABEL.request] ?? "";

  /**
   * What the last attempt came to, if it succeeded; null for anything else, also where the last look showed none.
   * @throws ReleaseError NameCollision; what the cluster throws
   */
  async function succeeded<T>(wanted: AttemptedJob<T>, signal: AbortSignal): Promise<AttemptResult<T> | null> {
    if (looks.wasAbsent(selectorOf(wanted.ref))) return null;
    return resultOf(await attemptsAt(wanted, await requestOf(wanted), true, signal), wanted.policy) ?? null;
  }

  /**
   * Runs a Job to its success: adopts what is there, lets it go on if it was suspended, waits, and makes a further attempt
   * where one is left. Where the last look of anybody showed none, it begins with the first attempt: one that came since
   * has the same name, and is adopted.
   * @throws ReleaseError NameCollision, as nextAttempt; what the cluster throws; the signal's reason
   */
  async function complete<T>(wanted: AttemptedJob<T>, step: string, signal: AbortSignal): Promise<AttemptResult<T>> {
    const { ref, policy } = wanted;
    const request = await requestOf(wanted);
    const name = jobName(identity, ref, 1).replace(/-1$/, "");
    using news = cluster.follow({ namespace, selector: selectorOf(ref) });
    let told: JobProgress | undefined;
    const tell = (progress: JobProgress): void => {
      if (isDeepStrictEqual(progress, told)) return;
      told = progress;
      onJob(progress);
      const { state, node, reason } = progress;
      if (state === "Running") report({ event: "action", step, text: `on node ${node ?? "?"}` });
      if (state === "Pending") report({ event: "action", step, text: `waits: ${reason ?? "for a node"}` });
    };
    let isUrgent = true;
    const make = async (attempt: number, limits: AttemptLimits): Promise<void> => {
      isUrgent = !(await create(wanted, attempt, limits, signal));
      if (isUrgent) return;
      tell(jobProgress(ref, attempt, jobName(identity, ref, attempt), { state: "pending", message: null }));
      await news.next(signal);
    };
    const first = limitsAfter([], policy);
    if (looks.wasAbsent(selectorOf(ref))) await make(1, first);
    for (;;) {
      signal.throwIfAborted();
      const attempts = await attemptsAt(wanted, request, isUrgent, signal);
      const last = attempts.at(-1);
      if (last === undefined) {
        await make(1, first);
        continue;
      }
      const { outcome } = last;
      tell(jobProgress(ref, last.attempt, last.job.metadata.name, outcome));
      if (outcome.state === "succeeded") {
        const result = resultOf(attempts, policy);
        if (result !== undefined) return result;
      }
      if (outcome.state === "failed") {
        let next;
        try {
          next = nextAttempt(name, failedOnes(attempts), policy, now());
        } catch (error) {
          throw error instanceof ReleaseError ? await finalFault(error, outcome, signal) : error;
        }
        report({ event: "action", step, text: `attempt ${next.attempt}, since ${outcome.cause}` });
        await pause(next.waitMs * (0.75 + random() / 2), signal);
        await make(next.attempt, next);
        continue;
      }
      // whoever works on the release is not to hold it: it goes on, and is no other attempt
      if (isSuspended(last.job)) await cluster.suspendJob({ namespace, name: last.job.metadata.name }, false, signal);
      await news.next(signal);
      isUrgent = false;
    }
  }

  return { complete, succeeded };
}

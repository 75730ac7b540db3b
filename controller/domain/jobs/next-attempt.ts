import { type FaultCode, ReleaseError } from "../errors.ts";
import { amountOf, mebibytes } from "./amounts.ts";
import { type AttemptFailure, type FailureCause, isSuspended, startOf } from "./job-outcome.ts";
import type { JobSettings } from "./job-settings.ts";
import type { Amounts, ObservedJob, Resources } from "./kubernetes-objects.ts";
import { LABEL } from "./object-labels.ts";

/** What an attempt may use. */
export type AttemptLimits = { readonly resources: Resources; readonly deadlineSeconds: number };

/** An attempt that failed. `startedAt`: milliseconds since 1970. `counts`: no person asked for another try since. */
export type FailedAttempt = {
  readonly attempt: number;
  readonly startedAt: number;
  readonly counts: boolean;
  readonly failure: AttemptFailure;
};

/**
 * A Job that failed, as an attempt in a round. Its time begins with its last start: what it was suspended does not count.
 * Nor does a Job whose failure was that it was suspended.
 */
export const failedAttempt = (
  attempt: number,
  job: ObservedJob,
  failure: AttemptFailure,
  round: string | undefined,
): FailedAttempt => ({
  ...{ attempt, failure, startedAt: Date.parse(startOf(job)) },
  counts: job.metadata.labels?.[LABEL.round] === round && !isSuspended(job),
});

/** `waitMs`: how long to wait before it, without jitter. */
export type NextAttempt = AttemptLimits & { readonly attempt: number; readonly waitMs: number };

export type AttemptPolicy = Pick<JobSettings, "resources" | "maxResources" | "deadlineSeconds" | "retryBudgetSeconds">;

/** Further attempts after a failure that is the work's own (release-api.md 2.1). */
const FURTHER_ATTEMPTS = 2;
const GROWTH = 1.5;

const BACK_OFF = { first: 750, most: 15 * 60 * 1000 } as const;

/** Pause before the nth repetition of what was taken away, from 1; milliseconds. */
export const backOff = (nth: number): number => Math.min(BACK_OFF.most, BACK_OFF.first * 2 ** (nth - 1));

type Grown = Extract<keyof Amounts, "memory" | "ephemeral-storage">;

/** An amount after `times` failures for want of it: half as much more each time, up to the cap. */
function grow(amount: string, times: number, cap: string | undefined): string {
  if (times === 0) return amount;
  const wanted = amountOf(amount) * GROWTH ** times;
  if (cap === undefined || wanted < amountOf(cap)) return mebibytes(wanted);
  return amountOf(cap) > amountOf(amount) ? cap : amount;
}

function growAll(resources: Resources, name: Grown, times: number, cap: string | undefined): Resources {
  const grown = (amounts: Amounts | undefined): Amounts => {
    const amount = amounts?.[name];
    return amount === undefined ? (amounts ?? {}) : { ...amounts, [name]: grow(amount, times, cap) };
  };
  const { requests, limits } = resources;
  return {
    ...(requests === undefined ? {} : { requests: grown(requests) }),
    ...(limits === undefined ? {} : { limits: grown(limits) }),
  };
}

/** What an attempt may use after these failures: the class's own amounts, and more of what was too little. */
export function limitsAfter(causes: readonly FailureCause[], policy: AttemptPolicy): AttemptLimits {
  const times = (cause: FailureCause): number => causes.filter((one) => one === cause).length;
  const { maxResources } = policy;
  const fed = growAll(policy.resources, "memory", times("OOMKilled"), maxResources.memory);
  const name = "ephemeral-storage";
  return {
    resources: growAll(fed, name, times("StorageExceeded"), maxResources[name]),
    deadlineSeconds: Math.ceil(policy.deadlineSeconds * GROWTH ** times("DeadlineExceeded")),
  };
}

/** How a failure is reported, and what a person can do. */
const REPORTS: Readonly<Record<FailureCause, { code: FaultCode; what: string; remedy: string }>> = {
  Disrupted: {
    code: "Evicted",
    what: "its pod was taken away again and again",
    remedy: "see why the nodes lose their pods, or raise retryBudget in the class",
  },
  OOMKilled: {
    code: "OOMKilled",
    what: "it needs more memory than it may have",
    remedy: "raise resources.limits.memory and maxResources.memory in the class's spec.build",
  },
  DeadlineExceeded: {
    code: "DeadlineExceeded",
    what: "it takes longer than it may",
    remedy: "see whether it was waiting for a node, or raise deadline in the class's spec.build",
  },
  StorageExceeded: {
    code: "DiskFull",
    what: "it needs more disk space than it may have",
    remedy: "raise ephemeral-storage in resources.limits and maxResources of the class's spec.build",
  },
  ImagePullFailed: {
    code: "ImagePullFailed",
    what: "an image can't be pulled",
    remedy: "see whether the image exists and the service account has a pull secret; the cluster goes on trying",
  },
  Refused: {
    code: "Usage",
    what: "the program in the pod refuses what it is asked",
    remedy: "set the class's images to those of this version of imgrel",
  },
  InputMissing: {
    code: "InputMissing",
    what: "a tool or an input is missing, or is not what the lock says",
    remedy: "read the pod's log below",
  },
  Unavailable: {
    code: "RegistryUnavailable",
    what: "what it needs cannot be reached",
    remedy: "see whether registry and archives run, and whether the pod's network policy lets it reach them",
  },
  Failed: { code: "BuildFailed", what: "it failed", remedy: "read the pod's log below" },
};

/** The last failure as an error that names pod, node, container and exit code, as far as they are known. */
function attemptFault(name: string, { cause, pod, node, container, exitCode, message }: AttemptFailure): ReleaseError {
  const { code, what, remedy } = REPORTS[cause];
  const place = [
    ...(pod === null ? [] : [`pod ${pod}`]),
    ...(node === null ? [] : [`node ${node}`]),
    ...(container === null ? [] : [`container ${container}`]),
    ...(exitCode === null ? [] : [`exit code ${exitCode}`]),
  ].join(", ");
  const text = `${name}: ${what}${place === "" ? "" : ` (${place})`}: ${message}`;
  return new ReleaseError(code, text, remedy, { final: cause !== "ImagePullFailed" });
}

/** What says nothing about the work: it is repeated, and does not count. */
const isPassing = (cause: FailureCause): boolean => cause === "Disrupted" || cause === "Unavailable";

/** Whether there is more of what was too little: a pod is held to its limits, not to what it requested. */
const isMore = (a: AttemptLimits, b: AttemptLimits): boolean =>
  a.deadlineSeconds > b.deadlineSeconds || JSON.stringify(a.resources.limits) !== JSON.stringify(b.resources.limits);

/**
 * What comes after attempts that failed (release-api.md 2.1). What was taken away, or could not reach what it needs, is
 * repeated with growing pauses, as long as the class's budget lasts, and does not count. Want of memory, disk space or
 * time gets at most two further attempts, each with half as much more, up to the class's cap; any other failure of the
 * work two further ones as well. An exit code that no repetition changes gets none, and of an image that can't be pulled
 * the same Job goes on trying. What failed before a person asked for another try does not matter any more.
 * @param name of the Job, for the message
 * @param failed in order, at least one
 * @param now milliseconds since 1970
 * @throws ReleaseError Evicted, RegistryUnavailable, OOMKilled, DeadlineExceeded, DiskFull, Usage, InputMissing and
 * BuildFailed, all of them final; ImagePullFailed
 */
export function nextAttempt(
  name: string,
  failed: readonly FailedAttempt[],
  policy: AttemptPolicy,
  now: number,
): NextAttempt {
  if (failed.length === 0) throw new RangeError("there is no attempt that failed");
  const counted = failed.filter(({ counts }) => counts);
  const causes = counted.map(({ failure }) => failure.cause);
  const limits = limitsAfter(causes, policy);
  const next = { ...limits, attempt: Math.max(...failed.map(({ attempt }) => attempt)) + 1 };
  const [first, last] = [counted[0], counted.at(-1)];
  if (first === undefined || last === undefined) return { ...next, waitMs: 0 };
  const { cause } = last.failure;
  const fault = () => attemptFault(name, last.failure);
  if (causes.filter((one) => !isPassing(one)).length > FURTHER_ATTEMPTS) throw fault();
  switch (cause) {
    case "Refused":
    case "InputMissing":
    case "ImagePullFailed":
      throw fault();
    case "Disrupted":
    case "Unavailable": {
      if (now - first.startedAt >= policy.retryBudgetSeconds * 1000) throw fault();
      return { ...next, waitMs: backOff(causes.length - 1 - causes.findLastIndex((one) => !isPassing(one))) };
    }
    case "Failed":
    case "OOMKilled":
    case "DeadlineExceeded":
    case "StorageExceeded": {
      if (cause !== "Failed" && !isMore(limits, limitsAfter(causes.slice(0, -1), policy))) throw fault();
      return { ...next, waitMs: 0 };
    }
  }
}

import { EXIT } from "../../../builders/contract/build-failure.ts";
import { type FailureAccount, readFailure } from "../../../builders/contract/termination-message.ts";
import type { ContainerStatus, ObservedEvent, ObservedJob, ObservedPod, Terminated } from "./kubernetes-objects.ts";

/** Why an attempt failed. `Disrupted`: its pod was taken away, which says nothing about the work. */
export type FailureCause =
  | "Disrupted"
  | "OOMKilled"
  | "DeadlineExceeded"
  | "StorageExceeded"
  | "ImagePullFailed"
  /** the program ended with exit code 2: it does not understand its request */
  | "Refused"
  /** the program ended with exit code 4: a tool or an input is missing or not what it must be */
  | "InputMissing"
  /** the program ended with exit code 75: a registry or an archive does not answer */
  | "Unavailable"
  | "Failed";

/** Where and how it failed, as far as the cluster still knows. `message`: the cluster's words, or the container's last. */
export type AttemptFailure = {
  readonly state: "failed";
  readonly cause: FailureCause;
  readonly pod: string | null;
  readonly node: string | null;
  readonly container: string | null;
  readonly exitCode: number | null;
  readonly message: string;
  /** the builder's own account; null if it left none */
  readonly own: FailureAccount | null;
};

/** A pod that did its work. `message` is whatever it wrote: nothing of it is checked. Times are RFC 3339. */
export type AttemptSuccess = {
  readonly state: "succeeded";
  readonly pod: string;
  readonly node: string;
  readonly startedOn: string;
  readonly finishedOn: string;
  readonly message: string;
};

export type AttemptOutcome =
  /** `message`: why it still waits, in the cluster's own words; null for the first ten minutes, or if nobody says */
  | { readonly state: "pending"; readonly message: string | null }
  | { readonly state: "running"; readonly pod: string; readonly node: string | null }
  | AttemptSuccess
  | AttemptFailure;

/** What the cluster knows of one Job. */
export type ObservedAttempt = {
  readonly job: ObservedJob;
  /** any pods; those of other Jobs are left out here */
  readonly pods: readonly ObservedPod[];
  readonly events: readonly ObservedEvent[];
};

/** After this a Job that waits is explained; milliseconds. */
export const PENDING_IS_LONG = 10 * 60 * 1000;

/** What the kubelet says of an image that it can't get (pkg/kubelet/images, ErrImagePull and others). */
const PULL_FAULTS: readonly string[] = [
  ...["ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "RegistryUnavailable"],
  ...["SignatureValidationFailed", "ImageInspectError"],
];

/** What the kubelet says when it evicts a pod for its own use of disk, not for the node's (pkg/kubelet/eviction). */
const OWN_STORAGE =
  /exceeded its local ephemeral storage limit|ephemeral local storage usage exceeds the total limit|Usage of EmptyDir volume .* exceeds the limit/;

const KILLED = 137;

/** The pods that this very Job made: a label may be anybody's, the Job's uid is not. */
export const podsOf = (job: ObservedJob, pods: readonly ObservedPod[]): ObservedPod[] =>
  pods.filter(({ metadata }) =>
    (metadata.ownerReferences ?? []).some(
      ({ kind, uid, controller }) => kind === "Job" && uid === job.metadata.uid && controller === true,
    ),
  );

const conditionOf = (of: ObservedJob["status"] | ObservedPod["status"], wanted: string) =>
  of?.conditions?.find(({ type, status }) => type === wanted && status === "True");

const isDisrupted = ({ status }: ObservedPod): boolean => conditionOf(status, "DisruptionTarget") !== undefined;

const containersOf = ({ status }: ObservedPod): readonly ContainerStatus[] => [
  ...(status?.initContainerStatuses ?? []),
  ...(status?.containerStatuses ?? []),
];

/** Newest last; names break a tie, so that the same objects always give the same answer. */
const byAge = (a: ObservedPod, b: ObservedPod): number => {
  const [x, y] = [a, b].map(({ metadata }) => `${metadata.creationTimestamp ?? ""} ${metadata.name}`);
  return (x ?? "") < (y ?? "") ? -1 : 1;
};

/** The container that failed, if one did. */
function failedContainer(pod: ObservedPod): { name: string; ended: Terminated } | undefined {
  for (const { name, state } of containersOf(pod)) {
    const ended = state?.terminated;
    if (ended !== undefined && ended.exitCode !== 0) return { name, ended };
  }
  return undefined;
}

function causeOf(pod: ObservedPod, ended: Terminated | undefined): FailureCause {
  const { reason, message = "" } = pod.status ?? {};
  if (isDisrupted(pod)) return "Disrupted";
  if (reason === "Evicted") return OWN_STORAGE.test(message) ? "StorageExceeded" : "Disrupted";
  if (reason === "DeadlineExceeded") return "DeadlineExceeded";
  if (ended?.reason === "OOMKilled") return "OOMKilled";
  if (ended?.exitCode === EXIT.usage) return "Refused";
  if (ended?.exitCode === EXIT.missing) return "InputMissing";
  if (ended?.exitCode === EXIT.tryAgain) return "Unavailable";
  return "Failed";
}

function failureOf(pod: ObservedPod | undefined, cause: FailureCause, message: string): AttemptFailure {
  const container = pod === undefined ? undefined : failedContainer(pod);
  return {
    ...{ state: "failed", cause, message },
    pod: pod?.metadata.name ?? null,
    node: pod?.spec?.nodeName ?? null,
    container: container?.name ?? null,
    exitCode: container?.ended.exitCode ?? null,
    own: readFailure(container?.ended.message ?? ""),
  };
}

/** What is to be said of a container's end, of a log its last line: killed without a word is worth one. */
function lastWords({ status }: ObservedPod, ended: Terminated | undefined): string {
  const own = readFailure(ended?.message ?? "");
  const said = own === null ? ended?.message?.trimEnd().split("\n").at(-1) : `step ${own.step}: ${own.message}`;
  const words = [status?.message, said].map((text) => text?.trim() ?? "").filter((text) => text !== "");
  if (words.length > 0) return words.join("\n");
  if (ended?.exitCode === KILLED) return "it was killed (signal 9)";
  return ended === undefined ? "its pod failed" : `it ended with code ${ended.exitCode}`;
}

/** A Job that the cluster has given up. */
function judgeFailed(job: ObservedJob, pods: readonly ObservedPod[]): AttemptFailure {
  const { reason, message = "" } = conditionOf(job.status, "Failed") ?? {};
  // Jobs of earlier versions fail by the exit code of the pod that is ended for it
  if (conditionOf(job.status, "Suspended") !== undefined) return failureOf(undefined, "Disrupted", "it was suspended");
  // pods of a Job whose time is over are deleted, or were killed for it: their own end explains nothing
  if (reason === "DeadlineExceeded") return failureOf(pods.at(-1), "DeadlineExceeded", message);
  const pod = pods.findLast((one) => one.status?.phase === "Failed" && !isDisrupted(one)) ?? pods.at(-1);
  // nobody knows any more how it ended: nothing speaks against the work
  if (pod === undefined) return failureOf(undefined, "Disrupted", message === "" ? "its pod is gone" : message);
  const ended = failedContainer(pod)?.ended;
  return failureOf(pod, causeOf(pod, ended), lastWords(pod, ended));
}

/** A Job that the cluster says is complete. */
function judgeComplete(pods: readonly ObservedPod[]): AttemptOutcome {
  const done = pods.filter(({ status }) => status?.phase === "Succeeded");
  const ends = done.map(({ status }) => status?.containerStatuses?.at(0)?.state?.terminated);
  const [pod, end] = [done.at(-1), ends.at(-1)];
  if (pod === undefined || end?.startedAt === undefined || end.finishedAt === undefined) {
    return failureOf(undefined, "Disrupted", "the Job is complete, but its pod is gone and with it what it said");
  }
  if (ends.some((other) => other?.message !== end.message)) {
    return failureOf(pod, "Failed", "the Job ran twice, and its pods say different things");
  }
  return {
    ...{ state: "succeeded", pod: pod.metadata.name, node: pod.spec?.nodeName ?? "", message: end.message ?? "" },
    ...{ startedOn: end.startedAt, finishedOn: end.finishedAt },
  };
}

/** What the cluster last said about why a Job or pod waits. */
function waitingFor(uids: readonly (string | undefined)[], events: readonly ObservedEvent[]): string | undefined {
  const told = events
    .filter(({ involvedObject, message }) => uids.includes(involvedObject.uid) && (message ?? "") !== "")
    .filter(({ reason = "" }) => /^Failed|BackOff|Exceeded|NotTriggerScaleUp/.test(reason))
    .map((event) => ({ at: event.lastTimestamp ?? event.eventTime ?? "", message: event.message }))
    .toSorted((a, b) => (a.at < b.at ? -1 : 1));
  return told.at(-1)?.message;
}

const notScheduled = ({ status }: ObservedPod) =>
  status?.conditions?.find((one) => one.type === "PodScheduled" && one.status === "False");

/** When a Job was made, or let go on, RFC 3339; empty: nobody knows. */
export const startOf = ({ metadata, status }: ObservedJob): string =>
  status?.startTime ?? metadata.creationTimestamp ?? "";

/** Whether a Job is held, and its pods end or are gone. */
export const isSuspended = ({ spec }: ObservedJob): boolean => spec?.suspend === true;

/** A Job whose newest pod has not run yet, or that has none. */
function judgeWaiting({ job, events }: ObservedAttempt, pod: ObservedPod | undefined, now: number): AttemptOutcome {
  const since = Date.parse(pod?.metadata.creationTimestamp ?? startOf(job));
  // a time that cannot be read explains itself at once
  if (now - since < PENDING_IS_LONG) return { state: "pending", message: null };
  const scheduled = pod === undefined ? undefined : notScheduled(pod);
  const waiting = pod === undefined ? [] : containersOf(pod).map(({ state }) => state?.waiting?.message);
  const told = scheduled?.message ?? waitingFor([pod?.metadata.uid, job.metadata.uid], events);
  return { state: "pending", message: told ?? waiting.find((message) => message !== undefined) ?? null };
}

/** Whether an image can't be pulled, and what the kubelet says about it. */
function pullFault(pod: ObservedPod): { name: string; message: string } | undefined {
  for (const { name, state } of containersOf(pod)) {
    const { reason = "", message = reason } = state?.waiting ?? {};
    if (PULL_FAULTS.includes(reason)) return { name, message };
  }
  return undefined;
}

const hasStarted = (pod: ObservedPod): boolean =>
  containersOf(pod).some(({ state }) => state?.running !== undefined || state?.terminated !== undefined);

/**
 * How far a Job is, as far as {@link judgeAttempt} asks: while Job and pods stay where they are, so does the outcome. Only
 * what is said of a long wait changes with time and events.
 */
export const stageOfJob = ({ status }: ObservedJob): string =>
  (["Complete", "Failed"] as const).find((type) => conditionOf(status, type) !== undefined) ?? "";

/** The same of a pod, with what is told of one that waits; empty for one of which there is nothing to say yet. */
export function stageOfPod(pod: ObservedPod): string {
  if (isDisrupted(pod)) return "disrupted";
  const fault = pullFault(pod);
  if (fault !== undefined) return `${fault.name}: ${fault.message}`;
  if (pod.status?.phase !== "Pending" || hasStarted(pod)) return `at ${pod.spec?.nodeName ?? "?"}`;
  return notScheduled(pod)?.message ?? "";
}

/**
 * How an attempt stands, from the Job, its pods and events as the API server has them (kubernetes.io, "Pod failure
 * policy", "Pod Lifecycle"). Pods that another Job made are never looked at, whatever their labels say.
 * @param now milliseconds since 1970
 */
export function judgeAttempt(observed: ObservedAttempt, now: number): AttemptOutcome {
  const { job } = observed;
  const pods = podsOf(job, observed.pods).toSorted(byAge);
  // SuccessCriteriaMet and FailureTarget come before all pods have ended: until then their volume is in use
  if (conditionOf(job.status, "Complete") !== undefined) return judgeComplete(pods);
  if (conditionOf(job.status, "Failed") !== undefined) return judgeFailed(job, pods);
  if (isSuspended(job)) return { state: "pending", message: null }; // how its pods end says nothing
  const pod = pods.at(-1);
  // the cluster replaces a pod that was taken away, or is about to see how one ended
  if (pod === undefined || isDisrupted(pod)) return judgeWaiting(observed, pod, now);
  const fault = pullFault(pod);
  if (fault !== undefined) {
    return { ...failureOf(pod, "ImagePullFailed", fault.message), container: fault.name };
  }
  if (pod.status?.phase === "Pending" && !hasStarted(pod)) return judgeWaiting(observed, pod, now);
  return { state: "running", pod: pod.metadata.name, node: pod.spec?.nodeName ?? null };
}

import type { ContainerStatus, ObservedJob, ObservedPod } from "../../controller/domain/jobs/kubernetes-objects.ts";

const CREATED = "2026-11-26T03:00:00Z";

const jobWith = (status: ObservedJob["status"]): ObservedJob => ({
  metadata: { name: "dir-x-b1-1", namespace: "imgrel-build", uid: "job-1", creationTimestamp: CREATED },
  ...(status === undefined ? {} : { status }),
});

/** Jobs as the API server shows them (batch/v1, JobStatus). */
export const runningJob = (): ObservedJob => jobWith({ startTime: CREATED });
export const completeJob = (): ObservedJob =>
  jobWith({
    startTime: CREATED,
    conditions: [
      { type: "SuccessCriteriaMet", status: "True", reason: "CompletionsReached" },
      { type: "Complete", status: "True", reason: "CompletionsReached" },
    ],
  });
export const failedJob = (reason: string, message: string): ObservedJob =>
  jobWith({
    startTime: CREATED,
    conditions: [
      { type: "FailureTarget", status: "True", reason, message },
      { type: "Failed", status: "True", reason, message },
    ],
  });

/** A pod of that Job on node n1. */
export const demoPod = (over: {
  readonly metadata?: Partial<ObservedPod["metadata"]>;
  readonly status?: ObservedPod["status"];
}): ObservedPod => ({
  metadata: {
    ...{ name: "dir-x-b1-1-abcde", namespace: "imgrel-build", uid: "pod-1", creationTimestamp: CREATED },
    ownerReferences: [{ kind: "Job", uid: "job-1", controller: true }],
    ...over.metadata,
  },
  spec: { nodeName: "n1" },
  ...(over.status === undefined ? {} : { status: over.status }),
});

/** A container that ended, as the kubelet tells of it (core/v1, ContainerStateTerminated). */
export const terminated = (name: string, exitCode: number, reason: string, message?: string): ContainerStatus => ({
  name,
  state: {
    terminated: {
      ...{ exitCode, reason, startedAt: "2026-11-26T03:00:10Z", finishedAt: "2026-11-26T03:00:50Z" },
      ...(message === undefined ? {} : { message }),
    },
  },
});

export const waitingContainer = (reason: string, message: string) => ({
  containerStatuses: [{ name: "build", state: { waiting: { reason, message } } }],
});

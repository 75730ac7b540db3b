import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { failureMessage } from "../../../builders/contract/termination-message.ts";
import {
  completeJob,
  demoPod,
  failedJob,
  runningJob,
  terminated,
  waitingContainer,
} from "../../../test/fakes/job-objects.ts";
import {
  isSuspended,
  judgeAttempt,
  type ObservedAttempt,
  PENDING_IS_LONG,
  podsOf,
  stageOfJob,
  stageOfPod,
  startOf,
} from "./job-outcome.ts";
import type { ObservedPod } from "./kubernetes-objects.ts";

const CREATED = Date.parse("2026-11-26T03:00:00Z");
const judge = (observed: Partial<ObservedAttempt> & Pick<ObservedAttempt, "job">, now = CREATED) =>
  judgeAttempt({ pods: [], events: [], ...observed }, now);
/** Why a Job failed whose one pod has this status. */
const causeOf = (status: ObservedPod["status"]) => {
  const outcome = judge({
    job: failedJob("PodFailurePolicy", "…"),
    pods: [demoPod({ status: { phase: "Failed", ...status } })],
  });
  return outcome.state === "failed" ? outcome.cause : outcome.state;
};
const ended = (exitCode: number, reason: string, message?: string) => ({
  containerStatuses: [terminated("build", exitCode, reason, message)],
});

describe("a Job that waits", () => {
  const refused = {
    phase: "Pending",
    conditions: [
      {
        type: "PodScheduled",
        status: "False",
        reason: "Unschedulable",
        message: "0/2 nodes are available: 2 Insufficient memory.",
      },
    ],
  };
  it("is explained by the scheduler after ten minutes, not before", () => {
    const pods = [demoPod({ status: refused })];
    expect(judge({ job: runningJob(), pods }, CREATED + PENDING_IS_LONG - 1)).toEqual({
      state: "pending",
      message: null,
    });
    expect(judge({ job: runningJob(), pods }, CREATED + PENDING_IS_LONG)).toEqual({
      state: "pending",
      message: "0/2 nodes are available: 2 Insufficient memory.",
    });
  });
  it("is explained by its newest event about what failed, if it has no pod or its pod says nothing", () => {
    const about = (uid: string, reason: string, message: string, lastTimestamp: string) => ({
      ...{ involvedObject: { kind: "Job", uid }, reason, message, lastTimestamp },
    });
    const events = [
      about("job-1", "FailedCreate", 'pods "x" is forbidden: exceeded quota', "2026-11-26T03:05:00Z"),
      about("job-1", "FailedCreate", "older", "2026-11-26T03:04:00Z"),
      about("job-1", "SuccessfulCreate", "Created pod", "2026-11-26T03:06:00Z"),
      about("job-2", "FailedCreate", "of another Job", "2026-11-26T03:07:00Z"),
    ];
    const late = CREATED + PENDING_IS_LONG;
    expect(judge({ job: runningJob(), events }, late)).toEqual({
      state: "pending",
      message: 'pods "x" is forbidden: exceeded quota',
    });
    const mount = about("pod-1", "FailedMount", 'secret "imgrel-staging" not found', "2026-11-26T03:08:00Z");
    const pods = [demoPod({ status: { phase: "Pending" } })];
    expect(judge({ job: runningJob(), pods, events: [...events, mount] }, late)).toMatchObject({
      message: mount.message,
    });
    expect(judge({ job: runningJob() }, late)).toEqual({ state: "pending", message: null });
  });
  it("is explained by what its container waits for, if nothing else says why", () => {
    const pods = [
      demoPod({ status: { phase: "Pending", ...waitingContainer("CreateContainerConfigError", "no key") } }),
    ];
    expect(judge({ job: runningJob(), pods }, CREATED + PENDING_IS_LONG)).toMatchObject({ message: "no key" });
  });
  it("waits again once its pod was taken away, since the cluster makes another", () => {
    const taken = demoPod({
      status: {
        phase: "Failed",
        conditions: [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }],
      },
    });
    expect(judge({ job: runningJob(), pods: [taken] })).toEqual({ state: "pending", message: null });
    const next = demoPod({
      metadata: { name: "b", creationTimestamp: "2026-11-26T03:01:00Z" },
      status: { phase: "Running", containerStatuses: [{ name: "build", state: { running: {} } }] },
    });
    expect(judge({ job: runningJob(), pods: [next, taken] })).toEqual({ state: "running", pod: "b", node: "n1" });
  });
});

describe("a Job that runs", () => {
  it("runs from its first container on, until the cluster says how it ended", () => {
    const running = { state: "running", pod: "dir-x-b1-1-abcde", node: "n1" };
    const init = { initContainerStatuses: [{ name: "inputs", state: { running: {} } }] };
    const statuses: ObservedPod["status"][] = [
      { phase: "Pending", ...init },
      { phase: "Pending", initContainerStatuses: [terminated("inputs", 0, "Completed")] },
      { phase: "Running" },
      { phase: "Succeeded", ...ended(0, "Completed", "{}") },
      { phase: "Failed", ...ended(1, "Error") },
    ];
    for (const status of statuses) expect(judge({ job: runningJob(), pods: [demoPod({ status })] })).toEqual(running);
    const conditions = [{ type: "FailureTarget", status: "True", reason: "DeadlineExceeded" }];
    const ending = { ...runningJob(), status: { conditions } };
    expect(judge({ job: ending, pods: [demoPod({ status: { phase: "Running" } })] })).toEqual(running);
  });
  it("is suspended: it waits, however its pods end", () => {
    const job = { ...runningJob(), spec: { suspend: true } };
    const pending = { state: "pending", message: null };
    for (const status of [{ phase: "Running" }, { phase: "Failed", ...ended(143, "Error") }]) {
      expect(judge({ job, pods: [demoPod({ status })] })).toEqual(pending);
    }
    expect(judge({ job })).toEqual(pending);
    expect([isSuspended(job), isSuspended(runningJob())]).toEqual([true, false]);
  });
  it("waits from the moment on when it was let go on", () => {
    const resumed = "2026-11-28T03:00:00Z";
    const job = { ...runningJob(), status: { startTime: resumed } };
    expect(startOf(job)).toBe(resumed);
    const told = [{ involvedObject: { uid: "job-1" }, reason: "FailedCreate", message: "quota" }];
    const at = (later: number) => judge({ job, events: told }, Date.parse(resumed) + later);
    expect(at(PENDING_IS_LONG - 1)).toEqual({ state: "pending", message: null });
    expect(at(PENDING_IS_LONG)).toEqual({ state: "pending", message: "quota" });
  });
  it("failed since it was suspended: nothing speaks against the work", () => {
    const { metadata, status } = failedJob("PodFailurePolicy", "exit code 143 matching FailJob rule at index 1");
    const conditions = [{ type: "Suspended", status: "True", reason: "JobSuspended" }, ...(status?.conditions ?? [])];
    const pod = demoPod({ status: { phase: "Failed", ...ended(143, "Error") } });
    expect(judge({ job: { metadata, status: { conditions } }, pods: [pod] })).toMatchObject({
      ...{ state: "failed", cause: "Disrupted", message: "it was suspended" },
    });
    const before = [{ type: "Suspended", status: "False", reason: "JobResumed" }, ...(status?.conditions ?? [])];
    const failed = { metadata, status: { conditions: before } };
    expect(judge({ job: failed, pods: [pod] })).toMatchObject({ cause: "Failed" });
  });
  it("can't pull an image", () => {
    for (const reason of ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"]) {
      const status = { phase: "Pending", ...waitingContainer(reason, `Back-off pulling image "r/x@sha256:00"`) };
      expect(judge({ job: runningJob(), pods: [demoPod({ status })] }), reason).toEqual({
        ...{ state: "failed", cause: "ImagePullFailed", pod: "dir-x-b1-1-abcde", node: "n1", container: "build" },
        ...{ exitCode: null, message: `Back-off pulling image "r/x@sha256:00"`, own: null },
      });
    }
  });
});

describe("a Job that is complete", () => {
  const done = demoPod({ status: { phase: "Succeeded", ...ended(0, "Completed", '{"schemaVersion":1}') } });
  it("says what its pod wrote, where and when", () => {
    expect(judge({ job: completeJob(), pods: [done] })).toEqual({
      ...{ state: "succeeded", pod: "dir-x-b1-1-abcde", node: "n1", message: '{"schemaVersion":1}' },
      ...{ startedOn: "2026-11-26T03:00:10Z", finishedOn: "2026-11-26T03:00:50Z" },
    });
  });
  it("is not believed without its pod", () => {
    expect(judge({ job: completeJob() })).toMatchObject({ state: "failed", cause: "Disrupted", pod: null });
    const failed = demoPod({ status: { phase: "Failed", ...ended(1, "Error") } });
    expect(judge({ job: completeJob(), pods: [failed] })).toMatchObject({ state: "failed", cause: "Disrupted" });
  });
  it("is not believed by the word of a pod that another Job, or nobody, made", () => {
    const [owner] = done.metadata.ownerReferences ?? [];
    const strangers = [
      [],
      [{ kind: "Job", uid: "job-2", controller: true }],
      [{ kind: "Job", uid: "job-1" }],
      [{ kind: "ReplicaSet", uid: "job-1", controller: true }],
    ];
    for (const ownerReferences of strangers) {
      const pod = { ...done, metadata: { ...done.metadata, ownerReferences } };
      expect(podsOf(completeJob(), [pod])).toEqual([]);
      expect(judge({ job: completeJob(), pods: [pod] })).toMatchObject({ state: "failed" });
    }
    expect(owner).toEqual({ kind: "Job", uid: "job-1", controller: true });
  });
  it("is not believed if it ran twice and its pods differ", () => {
    const other = demoPod({
      metadata: { name: "b" },
      status: { phase: "Succeeded", ...ended(0, "Completed", '{"schemaVersion":2}') },
    });
    expect(judge({ job: completeJob(), pods: [done, other] })).toMatchObject({ state: "failed", cause: "Failed" });
    const same = { ...done, metadata: { ...done.metadata, name: "b" } };
    expect(judge({ job: completeJob(), pods: [done, same] })).toMatchObject({ state: "succeeded" });
  });
});

describe("a Job that failed", () => {
  const taken = (reason: string) => ({ conditions: [{ type: "DisruptionTarget", status: "True", reason }] });
  it("was too large", () => {
    expect(causeOf(ended(137, "OOMKilled"))).toBe("OOMKilled");
    // only one process of the container was killed, and the builder saw its tool fail
    expect(causeOf(ended(1, "OOMKilled"))).toBe("OOMKilled");
    expect(causeOf({ initContainerStatuses: [terminated("inputs", 137, "OOMKilled")] })).toBe("OOMKilled");
    const storage = [
      'Container build exceeded its local ephemeral storage limit "20Gi". ',
      "Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. ",
      'Usage of EmptyDir volume "work" exceeds the limit "20Gi". ',
    ];
    for (const message of storage) expect(causeOf({ reason: "Evicted", message }), message).toBe("StorageExceeded");
  });
  it("was taken away", () => {
    for (const reason of [
      "EvictionByEvictionAPI",
      "PreemptionByScheduler",
      "DeletionByPodGC",
      "TerminationByKubelet",
    ]) {
      expect(causeOf({ ...taken(reason), ...ended(137, "Error") }), reason).toBe("Disrupted");
    }
    expect(causeOf({ reason: "Evicted", message: "The node was low on resource: ephemeral-storage. " })).toBe(
      "Disrupted",
    );
    expect(
      judge({ job: failedJob("BackoffLimitExceeded", "Job has reached the specified backoff limit") }),
    ).toMatchObject({
      ...{ cause: "Disrupted", pod: null, message: "Job has reached the specified backoff limit" },
    });
  });
  it("took too long, by the Job's clock or the pod's", () => {
    const job = failedJob("DeadlineExceeded", "Job was active longer than specified deadline");
    expect(judge({ job })).toMatchObject({ state: "failed", cause: "DeadlineExceeded", pod: null });
    const killed = demoPod({ status: { phase: "Failed", ...ended(137, "Error") } });
    expect(judge({ job, pods: [killed] })).toMatchObject({
      cause: "DeadlineExceeded",
      pod: "dir-x-b1-1-abcde",
      node: "n1",
    });
    expect(causeOf({ reason: "DeadlineExceeded", message: "Pod was active on the node longer" })).toBe(
      "DeadlineExceeded",
    );
  });
  it("was refused by its program, or lacked an input", () => {
    expect(causeOf(ended(2, "Error"))).toBe("Refused");
    expect(causeOf(ended(4, "Error"))).toBe("InputMissing");
    expect(causeOf(ended(75, "Error"))).toBe("Unavailable");
    expect([1, 3, 5, 137, 143].map((code) => causeOf(ended(code, "Error")))).toEqual(Array(5).fill("Failed"));
    expect(causeOf({})).toBe("Failed");
  });
  it("says in which container, with which code and last words", () => {
    const pods = [demoPod({ status: { phase: "Failed", ...ended(1, "Error", "mkfs.erofs failed\n") } })];
    expect(judge({ job: failedJob("PodFailurePolicy", "…"), pods })).toEqual({
      ...{ state: "failed", cause: "Failed", pod: "dir-x-b1-1-abcde", node: "n1", container: "build", exitCode: 1 },
      ...{ message: "mkfs.erofs failed", own: null },
    });
    const own = { code: "StepFailed", step: "root-image", message: "mkfs.erofs failed", remedy: "read" } as const;
    const told = [
      demoPod({ status: { phase: "Failed", ...ended(1, "Error", failureMessage({ ...own, logTail: "x" })) } }),
    ];
    expect(judge({ job: failedJob("PodFailurePolicy", "…"), pods: told })).toMatchObject({
      ...{ message: "step root-image: mkfs.erofs failed", own },
    });
    const log = [demoPod({ status: { phase: "Failed", ...ended(1, "Error", "step 1\nstep 2\nkilled\n") } })];
    expect(judge({ job: failedJob("PodFailurePolicy", "…"), pods: log })).toMatchObject({ message: "killed" });
    const silent = [demoPod({ status: { phase: "Failed", ...ended(137, "Error") } })];
    expect(judge({ job: failedJob("PodFailurePolicy", "…"), pods: silent })).toMatchObject({
      message: "it was killed (signal 9)",
    });
  });
  it("is judged by the pod that failed by itself, not by one that was taken away before", () => {
    const first = demoPod({ status: { phase: "Failed", ...taken("EvictionByEvictionAPI"), ...ended(137, "Error") } });
    const second = demoPod({
      metadata: { name: "b", creationTimestamp: "2026-11-26T03:01:00Z" },
      status: { phase: "Failed", ...ended(4, "Error") },
    });
    expect(judge({ job: failedJob("PodFailurePolicy", "…"), pods: [second, first] })).toMatchObject({
      ...{ cause: "InputMissing", pod: "b" },
    });
  });
});

const statuses = fc.record(
  {
    phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed", "Unknown"),
    reason: fc.constantFrom("Evicted", "DeadlineExceeded", "NodeLost", "Shutdown"),
    message: fc.string(),
    conditions: fc.array(
      fc.record({
        type: fc.constantFrom("DisruptionTarget", "PodScheduled", "Ready"),
        status: fc.constantFrom("True", "False"),
      }),
    ),
    containerStatuses: fc.array(
      fc.constantFrom(
        terminated("build", 0, "Completed", "{}"),
        terminated("build", 0, "Completed", "{ }"),
        terminated("build", 137, "OOMKilled"),
        { name: "build" },
        { name: "build", state: { waiting: { reason: "ImagePullBackOff" } } },
      ),
      { maxLength: 2 },
    ),
  },
  { requiredKeys: [] },
);
const pods = fc.array(
  fc.record({ status: statuses, uid: fc.constantFrom("job-1", "job-2"), name: fc.constantFrom("a", "b", "c") }),
  { maxLength: 4 },
);

describe("any Job", () => {
  it("has one outcome, whatever the order of its pods, and succeeds only by the word of a pod of its own", () => {
    fc.assert(
      fc.property(
        pods,
        fc.constantFrom(runningJob(), completeJob(), failedJob("PodFailurePolicy", "x")),
        (list, job) => {
          const all = list.map(({ status, uid, name }, index) =>
            demoPod({
              metadata: { name: `${name}${index}`, ownerReferences: [{ kind: "Job", uid, controller: true }] },
              status,
            }),
          );
          const outcome = judge({ job, pods: all });
          expect(judge({ job, pods: all.toReversed() })).toEqual(outcome);
          const own = all.filter((_, index) => list[index]?.uid === "job-1");
          expect(judge({ job, pods: own })).toEqual(outcome);
          if (outcome.state !== "succeeded") return;
          expect(job).toEqual(completeJob());
          expect(own.find(({ metadata }) => metadata.name === outcome.pod)?.status?.phase).toBe("Succeeded");
        },
      ),
    );
  });
});

describe("the stage of a Job and its pod", () => {
  const waiting = (reason: string, message: string) => ({ waiting: { reason, message } });
  const STATES = [
    undefined,
    ...[waiting("PodInitializing", "a"), waiting("ErrImagePull", "a"), waiting("ErrImagePull", "b")],
    ...[{ running: {} }, { terminated: { exitCode: 0 } }, { terminated: { exitCode: 1, message: "no" } }],
  ];
  const condition = (type: string, status: string, message: string) => ({ type, status, reason: "", message });
  const CONDITIONS = [
    ...[condition("PodScheduled", "True", ""), condition("PodScheduled", "False", "no node")],
    ...[condition("DisruptionTarget", "True", ""), condition("DisruptionTarget", "False", "")],
  ];
  const anyPod = fc
    .record({
      phase: fc.constantFrom("Pending", "Running", "Succeeded", "Failed"),
      conditions: fc.subarray(CONDITIONS),
      state: fc.constantFrom(...STATES),
      ip: fc.string(),
    })
    .map(({ phase, conditions, state, ip }) =>
      demoPod({
        status: {
          ...{ phase, conditions, containerStatuses: [{ name: "build", ...(state === undefined ? {} : { state }) }] },
          ...{ podIP: ip },
        },
      }),
    );
  const anyJob = fc.constantFrom(runningJob(), failedJob("PodFailurePolicy", ""), completeJob());

  it("says all that the outcome of one that has not ended depends on", () => {
    const job = runningJob();
    fc.assert(
      fc.property(anyPod, anyPod, (a, b) => {
        fc.pre(stageOfPod(a) === stageOfPod(b));
        expect(judge({ job, pods: [a] })).toEqual(judge({ job, pods: [b] }));
      }),
    );
  });
  it("says whether it has ended", () => {
    fc.assert(
      fc.property(anyJob, anyPod, (job, pod) => {
        const { state } = judge({ job, pods: [pod] });
        const hasEnded = stageOfJob(job) !== "";
        if (hasEnded) expect(["succeeded", "failed"]).toContain(state);
        else if (state === "failed")
          expect(stageOfPod(pod)).toMatch(/^build: [ab]$/); // no image
        else expect(["pending", "running"]).toContain(state);
      }),
    );
  });
  it("is told of one that waits in the scheduler's words, and not at all before there are any", () => {
    expect(stageOfPod(demoPod({ status: { phase: "Pending" } }))).toBe("");
    const conditions = [condition("PodScheduled", "False", "no node")];
    expect(stageOfPod(demoPod({ status: { phase: "Pending", conditions } }))).toBe("no node");
  });
});

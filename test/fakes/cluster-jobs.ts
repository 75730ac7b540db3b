import type {
  ClaimManifest,
  JobManifest,
  ObservedEvent,
  ObservedJob,
  ObservedPod,
} from "../../controller/domain/jobs/kubernetes-objects.ts";
import type { ClusterJobs, Named, Selected } from "../../controller/ports/cluster-jobs.ts";

/** How a pod ends. `deadline`: the Job's time is over and its pod is deleted; `lost`: the pod is gone after its end. */
export type PodEnd =
  | {
      readonly kind: "exit";
      readonly code: number;
      readonly reason?: string;
      readonly message?: string;
      readonly log?: string;
    }
  | { readonly kind: "disrupted" }
  | { readonly kind: "evicted"; readonly message: string }
  | { readonly kind: "deadline" }
  | { readonly kind: "lost" }
  /** it never starts: what the container waits for, or the scheduler's words */
  | { readonly kind: "pull"; readonly message: string }
  | { readonly kind: "unschedulable"; readonly message: string };

/** Plays a pod: does what its program would, and says how it ended. `nth`: which pod of the Job it is, from 1. */
export type PodScript = (job: JobManifest, nth: number) => PodEnd | Promise<PodEnd>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Entry = {
  readonly manifest: JobManifest;
  readonly uid: string;
  readonly created: string;
  phase: "new" | "pending" | "running" | "over";
  suspended: boolean;
  conditions: { type: string; status: string; reason: string; message: string }[];
  readonly pods: Mutable<ObservedPod>[];
};

/** Thrown at a call that a test chose: the process is gone there. */
export class Killed extends Error {}

const matches = (labels: Readonly<Record<string, string>> | undefined, selector: string): boolean =>
  selector.split(",").every((pair) => {
    const [key = "", value] = pair.split("=");
    return labels?.[key] === value;
  });

/**
 * A namespace of a cluster in memory. A Job goes from pending to running to its end, one step for each time that someone
 * waits for news of it; what its pod does is played by `script`. Time goes on by a second with every call.
 */
export function fakeClusterJobs(script: PodScript) {
  const jobs = new Map<string, Entry>();
  const claims = new Map<string, ClaimManifest>();
  const logs = new Map<string, string>();
  const events: ObservedEvent[] = [];
  /** pods that no Job made */
  const strangers: ObservedPod[] = [];
  const created: string[] = [];
  const verbs: string[] = [];
  let now = Date.parse("2026-11-26T03:00:00Z");
  let uids = 0;
  /** the call after whose effect the process dies, its answer lost */
  let last = Number.POSITIVE_INFINITY;

  const time = (): string => new Date(now).toISOString().replace(/\.\d+Z$/, "Z");

  async function call<T>(verb: string, signal: AbortSignal, work: () => T | Promise<T>): Promise<T> {
    signal.throwIfAborted();
    now += 1000;
    verbs.push(verb);
    const result = await work();
    if (verbs.length === last) throw new Killed(`after call ${verbs.length}, ${verb}`);
    return result;
  }

  const observed = ({ manifest, uid, created: creationTimestamp, conditions, suspended }: Entry): ObservedJob => {
    const { name, namespace, labels } = manifest.metadata;
    const metadata = { name, namespace, labels, uid, creationTimestamp };
    return { metadata, spec: { suspend: suspended }, status: { conditions } };
  };

  function addPod(entry: Entry): void {
    const { name, namespace, labels } = entry.manifest.metadata;
    uids += 1;
    entry.pods.push({
      metadata: {
        ...{ name: `${name}-${uids}`, namespace, labels, uid: `uid-${uids}`, creationTimestamp: time() },
        ownerReferences: [{ kind: "Job", uid: entry.uid, controller: true }],
      },
      spec: { nodeName: `n${(uids % 2) + 1}` },
      status: { phase: "Pending" },
    });
  }

  const conclude = (entry: Entry, type: "Complete" | "Failed", reason: string): void => {
    entry.conditions = [{ type, status: "True", reason, message: `Job: ${reason}` }];
    entry.phase = "over";
  };

  function endPod(entry: Entry, end: PodEnd): void {
    const pod = entry.pods.at(-1);
    if (pod === undefined) throw new RangeError("there is no pod");
    const container = entry.manifest.spec.template.spec.containers[0].name;
    switch (end.kind) {
      case "exit": {
        const { code, message, log } = end;
        const reason = end.reason ?? (code === 0 ? "Completed" : "Error");
        const times = { startedAt: time(), finishedAt: time() };
        const ended = { exitCode: code, reason, ...times, ...(message === undefined ? {} : { message }) };
        pod.status = {
          phase: code === 0 ? "Succeeded" : "Failed",
          containerStatuses: [{ name: container, state: { terminated: ended } }],
        };
        if (log !== undefined) logs.set(pod.metadata.name, log);
        return code === 0
          ? conclude(entry, "Complete", "CompletionsReached")
          : conclude(entry, "Failed", "PodFailurePolicy");
      }
      case "disrupted":
        pod.status = {
          phase: "Failed",
          conditions: [{ type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" }],
        };
        entry.phase = "new";
        return;
      case "evicted":
        pod.status = { phase: "Failed", reason: "Evicted", message: end.message };
        return conclude(entry, "Failed", "BackoffLimitExceeded");
      case "deadline":
        entry.pods.length = 0;
        return conclude(entry, "Failed", "DeadlineExceeded");
      case "lost":
        entry.pods.length = 0;
        return conclude(entry, "Complete", "CompletionsReached");
      case "pull": {
        const waiting = { reason: "ImagePullBackOff", message: end.message };
        pod.status = { phase: "Pending", containerStatuses: [{ name: container, state: { waiting } }] };
        entry.phase = "pending";
        return;
      }
      case "unschedulable":
        pod.status = {
          phase: "Pending",
          conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: end.message }],
        };
        entry.phase = "pending";
    }
  }

  /** One step of a Job's life. */
  async function advance(entry: Entry): Promise<void> {
    if (entry.suspended) return;
    if (entry.phase === "new") {
      addPod(entry);
      entry.phase = "pending";
    } else if (entry.phase === "pending") {
      const pod = entry.pods.at(-1);
      if (pod !== undefined) pod.status = { phase: "Running" };
      entry.phase = "running";
    } else if (entry.phase === "running") {
      endPod(entry, await script(entry.manifest, entry.pods.length));
    }
  }

  const byName = ({ name }: Named): Entry | undefined => jobs.get(name);
  const selected = <T extends { readonly metadata: { readonly labels?: Readonly<Record<string, string>> } }>(
    all: Iterable<T>,
    { selector }: Selected,
  ): T[] => [...all].filter(({ metadata }) => matches(metadata.labels, selector));

  const cluster: ClusterJobs = {
    createJob: (manifest, signal) =>
      call("create job", signal, () => {
        const { name } = manifest.metadata;
        if (jobs.has(name)) return "exists";
        uids += 1;
        jobs.set(name, {
          manifest,
          uid: `uid-${uids}`,
          created: time(),
          phase: "new",
          suspended: false,
          conditions: [],
          pods: [],
        });
        created.push(name);
        return "created";
      }),
    getJob: (of, signal) =>
      call("get job", signal, () => {
        const entry = byName(of);
        return entry === undefined ? null : observed(entry);
      }),
    listJobs: (of, signal) => call("list jobs", signal, () => selected([...jobs.values()].map(observed), of)),
    suspendJob: (of, suspend, signal) =>
      call(suspend ? "suspend job" : "resume job", signal, () => {
        const entry = byName(of);
        if (entry === undefined) return;
        entry.suspended = suspend;
        if (entry.phase === "over") return;
        const [status, reason] = suspend ? ["True", "JobSuspended"] : ["False", "JobResumed"];
        entry.conditions = [{ type: "Suspended", status, reason, message: "" }];
        if (!suspend) return;
        entry.pods.length = 0;
        entry.phase = "new";
      }),
    deleteJob: (of, signal) =>
      call("delete job", signal, () => {
        jobs.delete(of.name);
      }),
    deleteJobs: (of, signal) =>
      call("delete jobs", signal, () => {
        for (const { metadata } of selected([...jobs.values()].map(observed), of)) jobs.delete(metadata.name);
      }),
    createClaim: (claim, signal) =>
      call("create claim", signal, () => {
        if (claims.has(claim.metadata.name)) return "exists";
        claims.set(claim.metadata.name, claim);
        return "created";
      }),
    listClaims: (of, signal) => call("list claims", signal, () => selected(claims.values(), of)),
    deleteClaims: (of, signal) =>
      call("delete claims", signal, () => {
        for (const { metadata } of selected([...claims.values()], of)) claims.delete(metadata.name);
      }),
    listPods: (of, signal) =>
      call("list pods", signal, () => selected([...strangers, ...[...jobs.values()].flatMap(({ pods }) => pods)], of)),
    listEvents: ({ uid }, signal) =>
      call("list events", signal, () => events.filter(({ involvedObject }) => involvedObject.uid === uid)),
    readLog: ({ pod, lines }, signal) =>
      call("read log", signal, () => (logs.get(pod) ?? "").split("\n").slice(-lines).join("\n")),
    follow: ({ selector }) => ({
      next: (signal) =>
        call("wait", signal, async () => {
          const followed = [...jobs.values()].filter(({ manifest }) => matches(manifest.metadata.labels, selector));
          for (const entry of followed) await advance(entry);
        }),
      [Symbol.dispose]: () => undefined,
    }),
  };
  return {
    ...{ cluster, jobs, claims, logs, events, strangers, created, verbs },
    now: () => now,
    /** lets time go by; milliseconds */
    pass: (time: number) => {
      now += time;
    },
    /** the process dies after the nth call from here */
    killAfter: (nth: number) => {
      last = verbs.length + nth;
    },
  };
}

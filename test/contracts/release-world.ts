import type { Action } from "../../controller/domain/action.ts";
import type { ClusterClass, ClusterRelease, ClusterSource } from "../../controller/domain/cluster-objects.ts";
import type { JobProgress } from "../../controller/domain/jobs/job-progress.ts";
import type { ObservedRecord } from "../../controller/domain/observed.ts";
import type { NodeLabels } from "../../controller/domain/preflight.ts";
import { releaseDigest } from "../../controller/domain/release-folder.ts";
import type { ReleaseStatus } from "../../controller/domain/release-status.ts";
import { reconcileRelease } from "../../controller/reconciler/cluster/reconcile-release.ts";
import { createTurns } from "../../controller/reconciler/turns.ts";
import { clusterClass, clusterRelease, clusterSource, demoFolder } from "../fakes/cluster-objects.ts";
import { applyChanges, treeOf } from "../fakes/commit-history.ts";
import { fakeReleaseWork } from "../fakes/release-work.ts";

const KEY = "imgrel-system/demo";
export const COMMIT = "a".repeat(40);
export const DIGEST = releaseDigest(demoFolder());
export const forever = new AbortController().signal;

/** What a test gives of it; the rest is as in a release that is built without trouble. */
export type World = {
  readonly release?: ClusterRelease;
  readonly class?: ClusterClass | null;
  readonly source?: ClusterSource | null;
  /** release.yaml at the commit; null: there is no such commit */
  readonly text?: string | null;
  readonly record?: ObservedRecord;
  readonly perform?: (action: Action) => Promise<void>;
  /** releases of the class that may be at work at once */
  readonly quota?: number;
  readonly cleanUp?: () => Promise<void>;
  /** Jobs that are at work */
  readonly suspend?: () => Promise<number>;
  /** labels of the cluster's nodes */
  readonly nodes?: () => Promise<readonly NodeLabels[]>;
};

/** A release, what it needs of the cluster, and what was seen of it. */
export function world(given: World = {}) {
  const { release = clusterRelease(), text = demoFolder().text, record = { kind: "absent" }, perform } = given;
  const objects = <T extends { readonly namespace: string; readonly name: string }>(one: T | null) =>
    new Map(one === null ? [] : [[`${one.namespace}/${one.name}`, one]]);
  const statuses: ReleaseStatus[] = [];
  const events: string[] = [];
  const run = fakeReleaseWork(DIGEST, perform);
  /** how often it was cleaned up after, and by which class */
  const swept: string[] = [];
  let opened = 0;
  let reads = 0;
  let asked = 0;
  let suspensions = 0;
  let tellJob: (progress: JobProgress) => void = () => undefined;
  let leads = true;
  const turns = { releases: createTurns(() => given.quota ?? 1), builds: createTurns(() => 1) };
  const files = applyChanges(new Map(), [{ path: "specs/demo/release.yaml", content: text }]);
  const look = (signal = forever) =>
    reconcileRelease(
      {
        releases: objects(release),
        classes: objects(given.class === undefined ? clusterClass() : given.class),
        sources: objects(given.source === undefined ? clusterSource() : given.source),
        status: { write: async (_, status) => void statuses.push(structuredClone(status)) },
        events: { record: (_, { action, reason }) => void events.push(`${action} ${reason}`) },
        clock: { now: () => new Date("2026-11-26T00:00:00Z") },
        isLeader: () => leads,
        turns: () => turns,
        opener: {
          treeAt: async (_, commit) => {
            reads += 1;
            return text === null ? null : treeOf([{ id: commit, message: "spec", files }]);
          },
          record: async () => record,
          nodes: async () => {
            asked += 1;
            return (await given.nodes?.()) ?? [{ "kubernetes.io/arch": "amd64" }];
          },
          work: async ({ onJob }) => {
            opened += 1;
            tellJob = onJob;
            return run.work;
          },
          suspend: async () => {
            suspensions += 1;
            return (await given.suspend?.()) ?? 0;
          },
          cleanUp: async (_, ofClass) => {
            swept.push(ofClass?.name ?? "no class");
            await given.cleanUp?.();
          },
          sweep: async () => [],
          letGo: async () => void swept.push("let go"),
        },
      },
      KEY,
      signal,
    );
  const shown = (): string[] =>
    (statuses.at(-1)?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason}`);
  return {
    look,
    statuses,
    events,
    shown,
    run,
    turns,
    swept,
    opened: () => opened,
    /** how often its content was read from git */
    reads: () => reads,
    /** how often its Jobs were to be suspended */
    suspensions: () => suspensions,
    /** how often it asked for nodes */
    asked: () => asked,
    tellJob: (told: JobProgress) => tellJob(told),
    depose: () => (leads = false),
  };
}

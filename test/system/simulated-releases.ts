import type { ApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { clusterJobs } from "../../controller/adapters/kubernetes/cluster-jobs.ts";
import { suspendJobs } from "../../controller/adapters/kubernetes/suspend-jobs.ts";
import { clusterNodes } from "../../controller/adapters/kubernetes/cluster-nodes.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import type { ClusterView } from "../../controller/cluster-wiring.ts";
import type { Action } from "../../controller/domain/action.ts";
import { releaseDigest } from "../../controller/domain/release-folder.ts";
import type { ReleaseOpener } from "../../controller/reconciler/cluster/release-opener.ts";
import { demoFolder } from "../fakes/cluster-objects.ts";
import { fakeReleaseWork } from "../fakes/release-work.ts";

/** What stays of the work on releases, as it would in registry and git, whoever did it. */
export type Simulation = {
  /** keys of the effects that a release has */
  readonly done: (release: string) => Set<string>;
  /** what an action does; once it resolves the effect is there */
  readonly perform: (release: string, action: Action, signal: AbortSignal) => Promise<void>;
};

/** Jobs that nobody follows. */
const jobsOf = (client: ApiClient) =>
  clusterJobs(client, () => {
    throw new Error("nobody waits here");
  });

/** Releases whose specs are read from their real repository, and whose work is simulated. */
export const simulatedOpener = (
  { repositories, client }: Pick<ClusterView, "repositories" | "client">,
  { done, perform }: Simulation,
): ReleaseOpener => ({
  treeAt: async (from, commit, signal) => (await repositories.open(from, signal)).specsAt(commit),
  record: async ({ release: { name, spec } }) => {
    if (!done(name).has("record")) return { kind: "absent" };
    const commit = spec.source?.commit ?? "";
    return { kind: "recorded", specDigest: releaseDigest(demoFolder(name)), version: "1", commit };
  },
  nodes: clusterNodes(client, systemClock),
  work: async ({ release: { name }, folder }) =>
    fakeReleaseWork(releaseDigest(folder), (action, signal) => perform(name, action, signal), done(name)).work,
  suspend: async ({ namespace, name: release }, _, signal) =>
    suspendJobs(jobsOf(client), { namespace, release }, signal),
  cleanUp: async () => undefined,
  sweep: async () => [],
  letGo: async () => undefined,
});

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { createApiClient } from "../../controller/adapters/kubernetes/api-client.ts";
import { clusterJobs } from "../../controller/adapters/kubernetes/cluster-jobs.ts";
import { jobNews } from "../../controller/adapters/kubernetes/job-news.ts";
import { clusterJobRunner } from "../../controller/adapters/kubernetes/job-runner.ts";
import { openStaging } from "../../controller/adapters/oci/staging.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import { connectCluster } from "../../controller/cluster-wiring.ts";
import type { JobProgress } from "../../controller/domain/jobs/job-progress.ts";
import type { JobSettings } from "../../controller/domain/jobs/job-settings.ts";
import type { ReleaseIdentity } from "../../controller/domain/jobs/object-names.ts";
import { silentLogger } from "../../controller/ports/logger.ts";
import { demoFetchPod } from "../fakes/job-context.ts";
import { silentMetrics } from "../fakes/silent-metrics.ts";

/** All that makes a runner, so that another process can make the same one. */
export const RunnerPlan = z.object({
  kubeconfig: z.string(),
  /** staging repository, as this machine reaches it */
  staging: z.string(),
  /** inputs repository, as the kubelet reaches it */
  inputs: z.string(),
  identity: z.custom<ReleaseIdentity>((value) => typeof value === "object"),
  settings: z.custom<JobSettings>((value) => typeof value === "object"),
  retryAt: z.string(),
  /** folder for the runs that it brings here */
  work: z.string(),
});
export type RunnerPlan = z.infer<typeof RunnerPlan>;

/** Registries of the test cluster speak http on private addresses. */
export const PLAIN = { allowPrivate: true, allowHTTP: true } as const;

export type Watched = {
  readonly onJob?: (progress: JobProgress) => void;
  /** milliseconds since 1970 */
  readonly now?: () => number;
};

/** What a controller runs Jobs with, against a real API server and a real registry, until the signal fires. */
export async function stubRunner(plan: RunnerPlan, signal: AbortSignal, watched: Watched = {}) {
  const { identity, settings, retryAt, work } = plan;
  const client = createApiClient(await connectCluster({}, plan.kubeconfig));
  const news = { client, clock: systemClock, random: Math.random, log: silentLogger, metrics: silentMetrics, signal };
  const cluster = clusterJobs(client, jobNews(news));
  const staging = openStaging({ repository: plan.staging, network: PLAIN });
  const { archives } = demoFetchPod("amd64");
  const access = { ...PLAIN, ca: null };
  const runner = clusterJobRunner({
    ...{ cluster, identity, settings, retryAt, staging, work, runs: 2, perturbation: null },
    fencing: () => 1,
    fetch: { archives, access, repository: plan.inputs },
    publish: { access, repository: plan.staging },
    report: () => undefined,
    onJob: watched.onJob ?? (() => undefined),
    now: watched.now ?? Date.now,
    random: Math.random,
    pause: (milliseconds, limit) => sleep(milliseconds, undefined, { signal: limit }),
  });
  return { runner, cluster, staging };
}

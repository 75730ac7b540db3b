import { isSuspended, stageOfJob } from "../../domain/jobs/job-outcome.ts";
import { releaseSelector } from "../../domain/jobs/object-labels.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";

/**
 * Suspends all Jobs of a release that have not ended: nothing is deleted but their pods. Attempts let them go on.
 * @returns how many it suspended; 0: there was none that was at work
 * @throws what the cluster throws of the first that could not be suspended; the others are
 */
export async function suspendJobs(
  cluster: Pick<ClusterJobs, "listJobs" | "suspendJob">,
  { namespace, release }: { readonly namespace: string; readonly release: string },
  signal: AbortSignal,
): Promise<number> {
  const jobs = await cluster.listJobs({ namespace, selector: releaseSelector(release) }, signal);
  const active = jobs.filter((job) => stageOfJob(job) === "" && !isSuspended(job));
  const asked = active.map(({ metadata: { name } }) => cluster.suspendJob({ namespace, name }, true, signal));
  for (const answer of await Promise.allSettled(asked)) if (answer.status === "rejected") throw answer.reason;
  return active.length;
}

import { releaseSelector } from "../../domain/jobs/object-labels.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";

/**
 * Removes every Job and claim of a release: at its terminal state, at its deletion, and by the sweep that looks for what
 * an interrupted deletion left. Nothing that was published or signed is touched.
 * @throws what the cluster throws
 */
export async function sweepRelease(
  cluster: ClusterJobs,
  { namespace, release }: { readonly namespace: string; readonly release: string },
  signal: AbortSignal,
): Promise<void> {
  const selected = { namespace, selector: releaseSelector(release) };
  for (const { metadata } of await cluster.listJobs(selected, signal)) {
    await cluster.deleteJob({ namespace, name: metadata.name }, signal);
  }
  for (const { metadata } of await cluster.listClaims(selected, signal)) {
    await cluster.deleteClaim({ namespace, name: metadata.name }, signal);
  }
}

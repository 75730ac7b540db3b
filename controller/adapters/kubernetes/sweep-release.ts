import { PublishMessage } from "../../../builders/contract/pod.ts";
import { judgeAttempt } from "../../domain/jobs/job-outcome.ts";
import type { ObservedJob, ObservedPod } from "../../domain/jobs/kubernetes-objects.ts";
import { ALL_OBJECTS, LABEL, releaseSelector } from "../../domain/jobs/object-labels.ts";
import type { JobStep } from "../../domain/jobs/object-names.ts";
import { withMessage } from "../../domain/jobs/pod-message.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";
import type { StagingStore } from "../../ports/staging-store.ts";

const PUBLISH: JobStep = "publish";

/** The manifest that a publish Job left in the staging repository, if it left one. */
function stagedBy(job: ObservedJob, pods: readonly ObservedPod[]): string | undefined {
  if (job.metadata.labels?.[LABEL.step] !== PUBLISH) return undefined;
  const outcome = withMessage(PublishMessage, judgeAttempt({ job, pods, events: [] }, 0));
  return outcome.state === "succeeded" ? outcome.said.staged : undefined;
}

/**
 * Removes every Job and claim of a release, and what its runs staged: at its terminal state, at its deletion, and by the
 * sweep that looks for what an interrupted deletion left. Nothing that was published or signed is touched.
 * @throws what cluster and registry throw
 */
export async function sweepRelease(
  { cluster, staging }: { readonly cluster: ClusterJobs; readonly staging: Pick<StagingStore, "remove"> },
  { namespace, release }: { readonly namespace: string; readonly release: string },
  signal: AbortSignal,
): Promise<void> {
  const selected = { namespace, selector: releaseSelector(release) };
  // with a Job goes what it told: one that ends while others are removed must be heard first
  const removed = new Set<string>();
  for (;;) {
    const jobs = await cluster.listJobs(selected, signal);
    const pods = jobs.length === 0 ? [] : await cluster.listPods(selected, signal);
    const staged = new Set(jobs.flatMap((job) => stagedBy(job, pods) ?? []));
    const left = staged.difference(removed);
    if (left.size === 0) break;
    for (const digest of left) await staging.remove(digest, signal);
    for (const digest of left) removed.add(digest);
  }
  await cluster.deleteJobs(selected, signal);
  await cluster.deleteClaims(selected, signal);
}

/**
 * Removes Jobs, claims and staged runs of releases that are no more: what a deletion left that could not end them. All
 * objects of imgrel in the namespace must be one installation's.
 * @throws what cluster and registry throw
 */
export async function sweepLeftOvers(
  ports: Parameters<typeof sweepRelease>[0],
  { namespace, isKnown }: { readonly namespace: string; readonly isKnown: (release: string) => boolean },
  signal: AbortSignal,
): Promise<readonly string[]> {
  const all = { namespace, selector: ALL_OBJECTS };
  const objects = [...(await ports.cluster.listJobs(all, signal)), ...(await ports.cluster.listClaims(all, signal))];
  const releases = new Set(objects.flatMap(({ metadata }) => metadata.labels?.[LABEL.release] ?? []));
  const gone = [...releases].filter((release) => !isKnown(release)).toSorted();
  for (const release of gone) await sweepRelease(ports, { namespace, release }, signal);
  return gone;
}

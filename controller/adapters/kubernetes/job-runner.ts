import { readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf, stableJson } from "../../../builders/contract/digest.ts";
import { lockDigest } from "../../../builders/contract/lock.ts";
import type { BuildMessage, PublishMessage } from "../../../builders/contract/pod.ts";
import { timed } from "../../../builders/host/step.ts";
import { manifestPath } from "../../domain/comparison.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { podVariation } from "../../domain/jobs/build-job.ts";
import { LABEL, runSelector, runsSelector } from "../../domain/jobs/object-labels.ts";
import { parseBuildManifest } from "../../domain/jobs/staged-run.ts";
import { runClaim } from "../../domain/jobs/run-claim.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import type { BuildJob, BuiltRun, JobRunner } from "../../ports/job-runner.ts";
import type { StagingStore } from "../../ports/staging-store.ts";
import { markFinished, readFinished } from "../local/finished-run.ts";
import { type AttemptedJob, type AttemptPorts, type AttemptResult, jobAttempts } from "./attempts.ts";
import { bootInPod } from "./boot-in-pod.ts";
import { downloadRun } from "./download-run.ts";
import { type RunJobOptions, wantedJobs } from "./wanted-jobs.ts";

export type ClusterRunnerOptions = RunJobOptions &
  Omit<AttemptPorts, "context"> & {
    /** the staging repository, as the controller reads it */
    readonly staging: StagingStore;
    /** folder of all runs on this machine: `<work>/<release>/<arch>/run-<n>` */
    readonly work: string;
  };

/** A job runner whose builds start from inputs that a Job of its own fetched. */
export type ClusterJobRunner = JobRunner & {
  /**
   * Fetches the inputs of an arch by hash, and keeps them in the inputs repository: as the archive that a rebuild needs,
   * and as the image that its builds start from.
   * @throws ReleaseError where the Job tells how it ended
   */
  readonly fetchInputs: (job: Omit<BuildJob, "run">, signal: AbortSignal) => Promise<void>;
};

/**
 * Runs of one release as Jobs of a cluster. What a run left is brought to this machine, checked by digest, so that
 * comparator, signer and publication work on it as on a run that was built here. It believes only pods of its own Jobs,
 * and adopts whatever an earlier process left.
 */
export function clusterJobRunner(options: ClusterRunnerOptions): ClusterJobRunner {
  const { cluster, identity, settings, retryAt, report, fencing, perturbation } = options;
  const { namespace } = settings;
  const { complete, succeeded } = jobAttempts({ ...options, context: { identity, settings, retryAt } });
  const { fetching, building, publishing } = wantedJobs(options);
  const inputs = new Map<Digest, Promise<Digest>>();
  /** what the runs that were brought here have staged, by their folders */
  const staged = new Map<string, Digest>();

  const workOf = ({ request: { release, arch }, run }: BuildJob): string =>
    join(options.work, release, arch, `run-${run}`);
  /** The builder's image stands for its code. */
  const keyOf = ({ request, run, toolchain }: BuildJob): Digest => {
    const perturb = perturbation?.run === run ? perturbation.step : null;
    return digestOf(
      stableJson({ request, perturb, toolchain: lockDigest(toolchain), builder: settings.images.builder }),
    );
  };
  const finish = <T>(wanted: AttemptedJob<T>, step: string, signal: AbortSignal): Promise<AttemptResult<T>> =>
    timed(report, step, async () => ({ value: await complete(wanted, step, signal) }));

  /** Nodes that other runs of this arch were built on, or are. */
  async function usedNodes({ request, run }: BuildJob, signal: AbortSignal): Promise<string[]> {
    if (settings.spread === "Prefer") return [];
    const selector = runsSelector(identity.release, request.arch);
    const pods = await cluster.listPods({ namespace, selector }, signal);
    const others = pods.filter(
      ({ metadata, status }) => metadata.labels?.[LABEL.run] !== String(run) && status?.phase !== "Failed",
    );
    return [...new Set(others.flatMap(({ spec }) => spec?.nodeName ?? []))].toSorted();
  }

  /** The image with the inputs of an arch; its runs share one fetch. */
  async function inputsOf(job: Omit<BuildJob, "run">, signal: AbortSignal): Promise<Digest> {
    const key = digestOf(stableJson(job.request));
    const known = inputs.get(key);
    if (known !== undefined) return known;
    const fetched = finish(fetching(job), `${job.request.arch} fetch`, signal).then(({ said }) => said.inputsImage);
    inputs.set(key, fetched);
    fetched.catch(() => inputs.delete(key)); // what failed is asked again
    return fetched;
  }

  /** Brings a run here whose own pods told both digests. */
  async function bring(
    job: BuildJob,
    built: AttemptResult<BuildMessage>,
    published: AttemptResult<PublishMessage>,
    signal: AbortSignal,
  ): Promise<BuiltRun> {
    const { arch } = job.request;
    const { manifest, cpus } = built.said;
    if (published.said.manifest !== manifest) {
      const pods = `the build pod wrote ${manifest}, the publish pod read ${published.said.manifest}`;
      const remedy = "delete the run's Jobs and its claim, so that it is built anew";
      throw new ReleaseError("ManifestMismatch", `run ${job.run} of ${arch}: ${pods}`, remedy);
    }
    const work = workOf(job);
    const part = `${work}.part`;
    for (const folder of [work, part]) await rm(folder, { recursive: true, force: true });
    const logs = await downloadRun(options.staging, { arch, staged: published.said.staged, manifest }, part, signal);
    staged.set(work, published.said.staged);
    parseBuildManifest(await readFile(join(part, "out", manifestPath(arch)), "utf8"));
    await rename(part, work);
    const planned = podVariation(job.run, built.limits.resources);
    const { startedOn, finishedOn, node } = built;
    const variation = { ...planned, cpus: planned.cpus === null ? null : cpus };
    const network = settings.runtimeClassName === undefined ? ({ network: "policy" } as const) : {};
    const record: RunRecord = { run: job.run, startedOn, finishedOn, variation, logs, node, ...network };
    const key = keyOf(job);
    return { key, ...(await markFinished(work, arch, key, record)), output: join(work, "out") };
  }

  /** A run that is whole on this machine. */
  async function here(job: BuildJob): Promise<BuiltRun | null> {
    const key = keyOf(job);
    const run = await readFinished(workOf(job), job.request.arch, key);
    return run === null ? null : { key, ...run, output: join(workOf(job), "out") };
  }

  return {
    fetchInputs: async (job, signal) => {
      await inputsOf(job, signal);
    },
    finished: async (job, signal) => {
      const run = await here(job);
      if (run !== null) return run;
      const fetched = await succeeded(fetching(job), signal);
      const built = fetched === null ? null : await succeeded(building(job, fetched.said.inputsImage, []), signal);
      const published = built === null ? null : await succeeded(publishing(job), signal);
      return built === null || published === null ? null : bring(job, built, published, signal);
    },
    build: async (job, signal) => {
      const before = await here(job);
      if (before !== null) return before;
      const { arch } = job.request;
      const name = `${arch} run ${job.run}`;
      const inputsImage = await inputsOf(job, signal);
      await cluster.createClaim(runClaim({ identity, settings }, arch, job.run), signal);
      const nodes = await usedNodes(job, signal);
      const built = await finish(building(job, inputsImage, nodes), `${name} build`, signal);
      const published = await finish(publishing(job), `${name} publish`, signal);
      return timed(report, `${name} download`, async () => ({ value: await bring(job, built, published, signal) }));
    },
    boot: bootInPod({
      cluster,
      context: () => ({ identity, settings, retryAt, fencing: fencing() }),
      complete: finish,
    }),
    readText: ({ output }, path) => readFile(join(output, path), "utf8"),
    discard: async (job, signal) => {
      const { arch } = job.request;
      const known = staged.get(workOf(job)) ?? (await succeeded(publishing(job), signal))?.said.staged;
      // where the registry removes nothing, what it keeps is for its own rules
      if (known !== undefined) await options.staging.remove(known, signal);
      const all = { namespace, selector: runSelector(identity.release, arch, job.run) };
      await cluster.deleteJobs(all, signal);
      await cluster.deleteClaims(all, signal);
      staged.delete(workOf(job));
      await rm(workOf(job), { recursive: true, force: true });
    },
  };
}

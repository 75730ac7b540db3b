import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootResult } from "../../../builders/contract/boot.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import { INSIDE } from "../../../builders/contract/inside.ts";
import { type Lock, lockDigest } from "../../../builders/contract/lock.ts";
import type { Perturbation } from "../../../builders/contract/perturbation.ts";
import type { ProgressEvent, Report } from "../../../builders/contract/progress.ts";
import { variationOf } from "../../../builders/contract/variation.ts";
import { BOOT_RESULT_FILE, runBuilder, SERIAL_LOG_FILE } from "../../../builders/host/builder.ts";
import { sha256File } from "../../../builders/host/files.ts";
import { ensureToolchain } from "../../../builders/host/toolchain.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import { machineFacts } from "./machine-facts.ts";
import { markFinished, readFinished, runKey } from "./finished-run.ts";
import type { BuildJob, BuiltRun, JobRunner } from "../../ports/job-runner.ts";

export type LocalJobOptions = {
  /** folder of all runs: `<work>/<release>/<arch>/run-<n>` */
  readonly work: string;
  /** cacheRoot of builders/host/cache.ts */
  readonly cache: string;
  /** root of the imgrel sources */
  readonly project: string;
  /** a run that a test wants made wrong; null outside tests */
  readonly perturbation: Perturbation | null;
  readonly report: Report;
};

/** Puts an arch or artifact in front of a step's name, so that steps of two runs stay apart. */
const named =
  (report: Report, prefix: string): Report =>
  (event: ProgressEvent) =>
    report({ ...event, step: `${prefix} ${event.step}` });

/** The logs of a run, by name, for its provenance. */
async function hashLogs(folder: string): Promise<RunRecord["logs"]> {
  const names = (await readdir(folder)).toSorted();
  return Promise.all(names.map(async (name) => ({ name, sha256: await sha256File(join(folder, name)) })));
}

/** Runs of the builder on this machine, each in a sandbox of its own (builders/host/sandbox.ts). */
export function localJobRunner(options: LocalJobOptions): JobRunner {
  const { cache, project } = options;
  const roots = new Map<Digest, Promise<string>>();
  // one process hashes and, if need be, builds a toolchain once, however many runs ask for it
  const toolchainRoot = (lock: Lock, signal: AbortSignal): Promise<string> => {
    const digest = lockDigest(lock);
    const known = roots.get(digest);
    if (known !== undefined) return known;
    const root = ensureToolchain({ lock, cache, project, report: options.report, signal }).then((made) => made.root);
    roots.set(digest, root);
    return root;
  };
  const workOf = ({ request: { release, arch }, run }: BuildJob): string =>
    join(options.work, release, arch, `run-${run}`);
  const perturbOf = (run: number) => (options.perturbation?.run === run ? { perturb: options.perturbation.step } : {});
  const keyOf = (job: BuildJob): Promise<Digest> =>
    runKey({ request: job.request, ...perturbOf(job.run) }, lockDigest(job.toolchain), project);
  const finished = async (job: BuildJob): Promise<BuiltRun | null> => {
    const key = await keyOf(job);
    const run = await readFinished(workOf(job), job.request.arch, key);
    return run === null ? null : { key, ...run, output: join(workOf(job), "out") };
  };
  return {
    finished,
    build: async (job, signal) => {
      const before = await finished(job);
      if (before !== null) return before;
      const { arch } = job.request;
      const work = workOf(job);
      const toolchain = await toolchainRoot(job.toolchain, signal);
      const perturb = perturbOf(job.run);
      await rm(work, { recursive: true, force: true });
      const variation = variationOf(job.run, await machineFacts());
      const startedOn = new Date().toISOString();
      await runBuilder({
        ...{ toolchainRoot: toolchain, work, cache, project, command: "build", request: job.request, signal },
        ...perturb,
        variation,
        report: named(options.report, `${arch} run ${job.run}`),
      });
      const finishedOn = new Date().toISOString();
      const record = { run: job.run, startedOn, finishedOn, variation, logs: await hashLogs(join(work, "logs")) };
      const key = await keyOf(job);
      const { manifest, manifestDigest } = await markFinished(work, arch, key, record);
      return { key, manifest, manifestDigest, record, output: join(work, "out") };
    },
    readText: ({ output }, path) => readFile(join(output, path), "utf8"),
    // the logs stay: they say that the run was made by itself
    discard: async (job) => {
      const folder = workOf(job);
      const names = await readdir(folder).catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return []; // it is gone whole
        throw error;
      });
      for (const name of names) if (name !== "logs") await rm(join(folder, name), { recursive: true, force: true });
    },
    boot: async (job, signal) => {
      const toolchain = await toolchainRoot(job.toolchain, signal);
      await rm(job.evidence, { recursive: true, force: true });
      await mkdir(job.evidence, { recursive: true });
      await runBuilder({
        ...{ toolchainRoot: toolchain, work: job.evidence, cache, project, command: "boot", signal },
        request: {
          schemaVersion: 1,
          arch: job.arch,
          variant: job.variant,
          identity: randomUUID(),
          rootDigest: job.rootDigest,
          backing: job.backing,
          disk: job.disk,
          memoryMiB: job.memoryMiB,
          timeoutSeconds: job.timeoutSeconds,
        },
        binds: [{ source: job.artifact, target: INSIDE.artifact }],
        report: named(options.report, [job.arch, job.variant, job.disk?.firmware, job.disk?.bus].join(" ").trim()),
      });
      const result = BootResult.parse(JSON.parse(await readFile(join(job.evidence, BOOT_RESULT_FILE), "utf8")));
      return { result, serialLog: await sha256File(join(job.evidence, SERIAL_LOG_FILE)) };
    },
  };
}

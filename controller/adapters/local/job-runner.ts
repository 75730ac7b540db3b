import { randomUUID } from "node:crypto";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BootResult } from "../../../builders/contract/boot.ts";
import { BuildManifest } from "../../../builders/contract/build-manifest.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import { type Lock, lockDigest } from "../../../builders/contract/lock.ts";
import type { Perturbation } from "../../../builders/contract/perturbation.ts";
import type { ProgressEvent, Report } from "../../../builders/contract/progress.ts";
import { variationOf } from "../../../builders/contract/variation.ts";
import { BOOT_RESULT_FILE, runBuilder } from "../../../builders/host/builder.ts";
import { INSIDE } from "../../../builders/host/sandbox.ts";
import { ensureToolchain } from "../../../builders/host/toolchain.ts";
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
    const manifest = await readFinished(workOf(job), job.request.arch, key);
    return manifest === null ? null : { key, manifest, output: join(workOf(job), "out") };
  };
  return {
    finished,
    build: async (job, signal) => {
      const before = await finished(job);
      if (before !== null) return before;
      const { arch } = job.request;
      const work = workOf(job);
      const output = join(work, "out");
      const toolchain = await toolchainRoot(job.toolchain, signal);
      const perturb = perturbOf(job.run);
      await rm(work, { recursive: true, force: true });
      await runBuilder({
        ...{ toolchainRoot: toolchain, work, cache, project, command: "build", request: job.request, signal },
        ...perturb,
        variation: variationOf(job.run, await machineFacts()),
        report: named(options.report, `${arch} run ${job.run}`),
      });
      const manifest = BuildManifest.parse(
        JSON.parse(await readFile(join(output, arch, "build-manifest.json"), "utf8")),
      );
      const key = await keyOf(job);
      await markFinished(work, arch, key);
      return { key, manifest, output };
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
      return BootResult.parse(JSON.parse(await readFile(join(job.evidence, BOOT_RESULT_FILE), "utf8")));
    },
  };
}

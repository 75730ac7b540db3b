import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BootResult } from "../../builders/contract/boot.ts";
import type { BuildRequest } from "../../builders/contract/build-request.ts";
import { digestOf, stableJson } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { bootName, bootPlan, type PlannedBoot } from "../domain/boot-plan.ts";
import { assertReproduced, type ComparisonReport } from "../domain/comparison-report.ts";
import { diskBootFor } from "../domain/disk-boot.ts";
import type { ArchState, ArchStateStore } from "../ports/arch-state.ts";
import type { Comparator } from "../ports/comparator.ts";
import type { BuiltRun, JobRunner } from "../ports/job-runner.ts";
import { openBootArtifact } from "../wiring.ts";

/** What one arch of a release needs. */
export type ArchPlan = {
  readonly request: BuildRequest;
  readonly toolchain: Lock;
  /** how many runs must be the same */
  readonly runs: number;
  /** `<work>/<release>/<arch>`: comparison, state and evidence */
  readonly folder: string;
  /** keep the bytes of all runs although they are the same */
  readonly keep: boolean;
  /** boot what was built */
  readonly boot: boolean;
};

export type ArchPorts = {
  readonly runner: JobRunner;
  readonly comparator: Comparator;
  readonly state: ArchStateStore;
};

export type Boot = { readonly planned: PlannedBoot; readonly evidence: string; readonly result: BootResult };

/** What one arch came to: reproduced, and every boot's result. */
export type ArchResult = { readonly arch: Arch; readonly run: BuiltRun; readonly boots: readonly Boot[] };

const MEMORY_MIB = 1536;
const BOOT_SECONDS = 900;

async function bootOne(
  ports: ArchPorts,
  plan: ArchPlan,
  run: BuiltRun,
  planned: PlannedBoot,
  signal: AbortSignal,
): Promise<Boot> {
  const { arch } = plan.request;
  const artifact = await openBootArtifact(join(run.output, arch, planned.variant));
  const evidence = join(plan.folder, "boot", bootName(planned));
  const { medium } = artifact;
  const disk =
    medium.kind === "kernel" || planned.firmware === null || planned.bus === null
      ? null
      : diskBootFor(arch, medium.persistMiB, { firmware: planned.firmware, bus: planned.bus });
  const result = await ports.runner.boot(
    {
      ...{ arch, variant: planned.variant, artifact: artifact.folder, evidence, backing: artifact.backing, disk },
      // the digest that the release's own manifest names, not the one that the artifact claims
      rootDigest: run.manifest.root_image.fsverity_digest,
      ...{ memoryMiB: MEMORY_MIB, timeoutSeconds: BOOT_SECONDS, toolchain: plan.toolchain },
    },
    signal,
  );
  return { planned, evidence, result };
}

/** Boots one after another; a boot that passed for these very bytes is not repeated. */
async function bootAll(
  ports: ArchPorts,
  plan: ArchPlan,
  run: BuiltRun,
  progress: Progress,
  signal: AbortSignal,
): Promise<Boot[]> {
  const boots: Boot[] = [];
  for (const planned of plan.boot ? bootPlan(plan.request.variants, plan.request.arch) : []) {
    const name = bootName(planned);
    const passed = progress.state.boots[name];
    if (passed !== undefined) {
      boots.push({ planned, evidence: join(plan.folder, "boot", name), result: passed });
      continue;
    }
    const boot = await bootOne(ports, plan, run, planned, signal);
    boots.push(boot);
    if (boot.result.passed) await progress.update((state) => ({ boots: { ...state.boots, [name]: boot.result } }));
  }
  return boots;
}

/** The state of one arch while two branches, boots and comparison, add to it. */
type Progress = {
  readonly state: ArchState;
  readonly update: (change: (state: ArchState) => Partial<ArchState>) => Promise<void>;
};

async function openProgress(store: ArchStateStore, run: BuiltRun): Promise<Progress> {
  const progress = { state: await store.read({ key: run.key, manifest: digestOf(stableJson(run.manifest)) }) };
  let writing = Promise.resolve();
  return {
    get state() {
      return progress.state;
    },
    update: (change) => {
      progress.state = { ...progress.state, ...change(progress.state) };
      const { state } = progress;
      writing = writing.then(() => store.write(state));
      return writing;
    },
  };
}

/** Compares all runs and keeps only the first one's bytes if they are the same. */
async function compareAll(
  ports: ArchPorts,
  plan: ArchPlan,
  outputs: readonly string[],
  signal: AbortSignal,
): Promise<ComparisonReport> {
  const { release, version, arch } = plan.request;
  const runs = outputs.map((output, index) => ({ run: index + 1, output }));
  const report = await ports.comparator.compare({ release, version, arch, runs, folder: plan.folder }, signal);
  assertReproduced(report, join(plan.folder, "comparison.txt"));
  return report;
}

/**
 * One arch of a release: all runs side by side, boots of the first one's artifacts as soon as it is done, comparison as
 * soon as all are. What was finished for the same work and the same bytes is not repeated.
 * @throws ReleaseError NotReproducible or ManifestMismatch, which end the boots; BuildError of a run that failed, which
 * ends the others
 */
export async function releaseArch(ports: ArchPorts, plan: ArchPlan, signal: AbortSignal): Promise<ArchResult> {
  const { request, toolchain } = plan;
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const job = (run: number) => ({ request, run, toolchain });
  const finished = await ports.runner.finished(job(1));
  const reproduced = finished !== null && (await openProgress(ports.state, finished)).state.reproduced;

  const first = finished === null ? ports.runner.build(job(1), either) : Promise.resolve(finished);
  const others = reproduced ? [] : furtherRuns(plan).map((run) => ports.runner.build(job(run), either));
  const progress = first.then((run) => openProgress(ports.state, run));
  const booted = Promise.all([first, progress]).then(([run, opened]) => bootAll(ports, plan, run, opened, either));
  const compared = Promise.all([first, progress, ...others]).then(async ([run, opened, ...more]) => {
    if (!reproduced) {
      await compareAll(
        ports,
        plan,
        [run, ...more].map(({ output }) => output),
        either,
      );
      await opened.update(() => ({ reproduced: true }));
    }
    // also of an earlier start that was killed before it had done this
    if (!plan.keep) await Promise.all(furtherRuns(plan).map((run) => removeBytes(runFolder(plan, run))));
  });
  const parts = [first, booted, compared] as const;
  try {
    const [run, boots] = await Promise.all(parts);
    return { arch: request.arch, run, boots };
  } catch (error) {
    stop.abort();
    await Promise.allSettled(parts);
    throw error;
  }
}

/** Of a run that is the same as the first its logs stay: they say that it was made by itself. */
async function removeBytes(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []); // none where all is kept in the first run's folder alone
  for (const name of names) if (name !== "logs") await rm(join(folder, name), { recursive: true, force: true });
}

const furtherRuns = (plan: ArchPlan): number[] => Array.from({ length: plan.runs - 1 }, (_, index) => index + 2);
const runFolder = (plan: ArchPlan, run: number): string => join(plan.folder, `run-${run}`);

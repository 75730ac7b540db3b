import { bootName, type PlannedBoot } from "../domain/boot-plan.ts";
import { type ComparisonReport, faultOf } from "../domain/comparison-report.ts";
import { diskBootFor } from "../domain/disk-boot.ts";
import type { ArchObservation } from "../domain/observed.ts";
import type { ArchPlan } from "../domain/plan.ts";
import type { ArchState, ArchStateStore } from "../ports/arch-state.ts";
import type { BootArtifact } from "../ports/boot-artifact.ts";
import type { Comparator } from "../ports/comparator.ts";
import type { BootOutcome, BuildJob, BuiltRun, JobRunner } from "../ports/job-runner.ts";

export type ArchPorts = {
  readonly runner: JobRunner;
  readonly comparator: Comparator;
  readonly state: ArchStateStore;
  /** an artifact's folder, recognised and its hashes checked */
  readonly openBootArtifact: (folder: string) => Promise<BootArtifact>;
};

/** What a guest gets, and how long it may take. */
const MEMORY_MIB = 1536;
const BOOT_SECONDS = 900;

/**
 * Building, comparing and booting one arch of a release. It remembers what this process built or hashed itself, so that
 * an observation does not read gigabytes again; of anything else nothing is believed.
 */
export type ArchWork = {
  readonly plan: ArchPlan;
  readonly observe: (signal: AbortSignal) => Promise<ArchObservation>;
  readonly build: (run: number, signal: AbortSignal) => Promise<void>;
  readonly compare: (signal: AbortSignal) => Promise<void>;
  readonly boot: (planned: PlannedBoot, signal: AbortSignal) => Promise<void>;
  readonly discard: (run: number, signal: AbortSignal) => Promise<void>;
  /** the first run; throws RangeError before it is finished */
  readonly first: () => BuiltRun;
  /** what was proven so far; throws RangeError before the first run is finished */
  readonly proven: () => ArchState;
  readonly isReproduced: () => boolean;
  /** where the runs differ, as this process found it; null: they do not, or were not compared */
  readonly difference: () => ComparisonReport | null;
  /** boots of this process, failed ones too, and those that were proven before, by name */
  readonly boots: () => ReadonlyMap<string, BootOutcome>;
  readonly evidenceOf: (planned: PlannedBoot) => string;
};

/** @see ArchWork */
export function archWork(ports: ArchPorts, plan: ArchPlan): ArchWork {
  const { request, toolchain, folder } = plan;
  const { arch } = request;
  const runs = new Map<number, BuiltRun>();
  const failed = new Map<string, BootOutcome>();
  /** further runs that an earlier process compared: their bytes may be there still, and are needed no more */
  const leftovers = new Set<number>();
  let state: ArchState | undefined;
  let compared: ComparisonReport | null = null;
  let writing = Promise.resolve();
  const job = (run: number): BuildJob => ({ request, run, toolchain });
  const evidenceOf = (planned: PlannedBoot) => `${folder}/boot/${bootName(planned)}`;

  const first = (): BuiltRun => {
    const run = runs.get(1);
    if (run === undefined) throw new RangeError(`run 1 of ${arch} is not finished`);
    return run;
  };
  const proven = (): ArchState => {
    if (state === undefined) throw new RangeError(`run 1 of ${arch} is not finished`);
    return state;
  };
  const remember = async (run: number, built: BuiltRun): Promise<void> => {
    if (run === 1) state = await ports.state.read({ key: built.key, manifest: built.manifestDigest });
    runs.set(run, built);
  };
  /** Boots and comparison end side by side; each write holds all that is proven so far. */
  const prove = async (change: (known: ArchState) => Partial<ArchState>): Promise<void> => {
    const latest = { ...proven(), ...change(proven()) };
    state = latest;
    writing = writing.then(() => ports.state.write(latest));
    await writing;
  };

  /** What an earlier process left, once; of runs that are known to be the same only the first is looked at. */
  const recall = async (signal: AbortSignal): Promise<void> => {
    for (let run = 1; run <= plan.runs; run += 1) {
      if (run > 1 && (state?.reproduced ?? null) !== null) {
        leftovers.add(run);
        continue;
      }
      const found = await ports.runner.finished(job(run), signal);
      if (found !== null) await remember(run, found);
    }
  };
  let recalled: Promise<void> | undefined;

  return {
    plan,
    first,
    proven,
    evidenceOf,
    isReproduced: () => (state?.reproduced ?? null) !== null,
    difference: () => (compared?.verdict === "Reproduced" ? null : compared),
    boots: () => new Map([...Object.entries(state?.boots ?? {}), ...failed]),
    observe: async (signal) => {
      recalled ??= recall(signal).catch((error: unknown) => {
        recalled = undefined; // what could not be asked now is asked again
        throw error;
      });
      await recalled;
      const boots = new Map(
        Object.entries(state?.boots ?? {}).map(([name, { result }]) => [name, { passed: true, reason: result.reason }]),
      );
      for (const [name, { result }] of failed) boots.set(name, { passed: false, reason: result.reason });
      return {
        arch,
        variants: request.variants,
        runs: plan.runs,
        finished: new Set([...runs.keys(), ...leftovers]),
        verdict: (state?.reproduced ?? null) === null ? (compared?.verdict ?? null) : "Reproduced",
        fault: compared === null ? null : faultOf(compared),
        boots,
      };
    },
    build: async (run, signal) => remember(run, await ports.runner.build(job(run), signal)),
    compare: async (signal) => {
      const { release, version } = request;
      const built = [...runs.values()].toSorted((a, b) => a.record.run - b.record.run);
      const of = built.map(({ record, output }) => ({ run: record.run, output }));
      const report = await ports.comparator.compare({ release, version, arch, runs: of, folder }, signal);
      compared = report;
      if (report.verdict !== "Reproduced") return;
      const reproduced = { files: report.artifacts, runs: built.map(({ record }) => record) };
      await prove(() => ({ reproduced }));
    },
    boot: async (planned, signal) => {
      const artifact = await ports.openBootArtifact(`${first().output}/${arch}/${planned.variant}`);
      const { medium, backing, folder: files } = artifact;
      const disk =
        medium.kind === "kernel" || planned.firmware === null || planned.bus === null
          ? null
          : diskBootFor(arch, medium.persistMiB, { firmware: planned.firmware, bus: planned.bus });
      const outcome = await ports.runner.boot(
        {
          ...{ arch, variant: planned.variant, artifact: files, evidence: evidenceOf(planned), backing, disk },
          // the digest that the release's own manifest names, not the one that the artifact claims
          rootDigest: first().manifest.root_image.fsverity_digest,
          ...{ memoryMiB: MEMORY_MIB, timeoutSeconds: BOOT_SECONDS, toolchain },
        },
        signal,
      );
      const name = bootName(planned);
      if (outcome.result.passed) await prove(({ boots }) => ({ boots: { ...boots, [name]: outcome } }));
      else failed.set(name, outcome);
    },
    discard: async (run, signal) => {
      await ports.runner.discard(job(run), signal);
      runs.delete(run);
      leftovers.delete(run);
    },
  };
}

import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import type { ClusterView } from "../../controller/cluster-wiring.ts";
import { clusterNodes } from "../../controller/adapters/kubernetes/cluster-nodes.ts";
import { systemClock } from "../../controller/adapters/system-clock.ts";
import type { NodeLabels } from "../../controller/domain/preflight.ts";
import { releaseHold } from "../../controller/adapters/kubernetes/release-hold.ts";
import type { ClusterClass, ClusterRelease } from "../../controller/domain/cluster-objects.ts";
import { CLUSTER_BUILDER } from "../../controller/domain/provenance.ts";
import type { ArchPorts } from "../../controller/reconciler/arch-work.ts";
import { assembleRelease, type ReleasePlan } from "../../controller/reconciler/assemble-release.ts";
import { heldRunner } from "../../controller/reconciler/cluster/held-runner.ts";
import type { BuildJob, JobRunner } from "../../controller/ports/job-runner.ts";
import type { OpenRelease, ReleaseOpener } from "../../controller/reconciler/cluster/release-opener.ts";
import { observeRecord } from "../../controller/reconciler/observe-record.ts";
import { planRelease } from "../../controller/reconciler/plan-release.ts";
import type { BenchLocks } from "./cluster-specs.ts";
import { memoryRepository, memoryRuns, memorySigning } from "./memory-ports.ts";

const IMAGES = "registry.example/images";

/**
 * The plan of a release, as cluster-work.ts makes it; the toolchain comes from the bench.
 * @param choices whether artifacts are booted, and the folder of runs
 */
const planOf = (
  { from, folder, class: ofClass, source }: OpenRelease,
  locks: BenchLocks,
  conditions: ReleasePlan["conditions"],
  choices: { readonly boot: boolean; readonly work: string },
): ReleasePlan =>
  planRelease(
    {
      ...{ folder, commit: source.commit, class: ofClass.spec, source: from.spec },
      toolchains: new Map([...folder.locks.keys()].map((arch) => [arch, locks[arch].toolchain])),
    },
    {
      ...{ keepRuns: false, parallelBoots: 8, conditions, ...choices },
      ...{ repository: IMAGES, imgrel: { version: "0.1.0", commit: null }, invoker: "bench" },
      builder: { id: CLUSTER_BUILDER, version: { node: process.versions.node }, image: null },
      builderImage: null,
    },
  );

/** What builds and boots one release, and what is left of it then. */
export type BenchRuns = {
  readonly of: (
    open: OpenRelease,
    locks: BenchLocks,
  ) => {
    readonly runner: JobRunner;
    readonly portsOf: (arch: Arch) => Omit<ArchPorts, "runner">;
    /** what comes before inputs are archived */
    readonly fetchInputs?: (job: Omit<BuildJob, "run">, signal: AbortSignal) => Promise<void>;
  };
  readonly boot: boolean;
  /** folder of the runs of a release */
  readonly workOf: (release: ClusterRelease) => string;
  readonly cleanUp: (release: ClusterRelease, of: ClusterClass, signal: AbortSignal) => Promise<void>;
};

/** Runs that are nothing but what the controller remembers of them; nothing is booted. */
const inMemory: BenchRuns = {
  of: (_, locks) => memoryRuns(locks),
  ...{ boot: false, workOf: () => "/runs", cleanUp: async () => undefined },
};

/** Nodes that the bench plays: none of the cluster's can build its releases, and none has to. */
const PLAYED: readonly NodeLabels[] = ARCHES.map((arch) => ({ bench: "none", "kubernetes.io/arch": arch }));

/** Opens releases whose git is real, and whose registry and signatures are in memory; builds too, unless `runsOf` says so. */
export function benchOpener(
  locks: BenchLocks,
  runsOf: (view: ClusterView) => BenchRuns = () => inMemory,
): (view: ClusterView) => ReleaseOpener {
  const { signer, verifier } = memorySigning();
  const verifierFor = () => verifier;
  return (view) => {
    const { repositories, client } = view;
    const hold = releaseHold(client);
    const runs = runsOf(view);
    const nodes = clusterNodes(client, systemClock);
    return {
      treeAt: async (from, commit, signal) => (await repositories.open(from, signal)).specsAt(commit),
      record: async ({ from, release }, signal) =>
        observeRecord((await repositories.open(from, signal)).records, release.name, verifierFor),
      nodes: async (signal) => [...(await nodes(signal)), ...PLAYED],
      work: async (open, conditions, signal) => {
        const { records } = await repositories.open(open.from, signal);
        const images = memoryRepository(IMAGES);
        const inputs = memoryRepository("registry.example/inputs");
        const { runner, portsOf, fetchInputs } = runs.of(open, locks);
        const held = heldRunner(
          {
            runner,
            // packages are pushed by a Job: the controller sees the tag
            archiveInputs: async (of, { manifest: { descriptor, bytes }, tag }, stop) => {
              await fetchInputs?.(of, stop);
              await inputs.tag(tag, await inputs.pushManifest(descriptor.mediaType, bytes, stop), stop);
            },
          },
          (stop) => hold.hold(open.release, stop),
        );
        const { work } = await assembleRelease(
          {
            arch: async ({ request }) => ({ ...portsOf(request.arch), runner: held.runner }),
            archiveInputs: held.archiveInputs,
            ...{ images, inputs, records, signer, verifier, verifierFor, inspect: async () => null },
          },
          planOf(open, locks, conditions, { boot: runs.boot, work: runs.workOf(open.release) }),
          signal,
        );
        return work;
      },
      suspend: async () => 0, // nothing of the bench is suspended
      cleanUp: async (release, of, signal) => {
        if (of === undefined) throw new RangeError(`${release.name} has no class`);
        await runs.cleanUp(release, of, signal);
        await hold.letGo(release, signal);
      },
      letGo: hold.letGo,
      sweep: async () => [], // every release of the bench comes to its end
    };
  };
}

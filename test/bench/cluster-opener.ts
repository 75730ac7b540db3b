import type { ClusterView } from "../../controller/cluster-wiring.ts";
import { releaseHold } from "../../controller/adapters/kubernetes/release-hold.ts";
import { CLUSTER_BUILDER } from "../../controller/domain/provenance.ts";
import { assembleRelease, type ReleasePlan } from "../../controller/reconciler/assemble-release.ts";
import { heldRunner } from "../../controller/reconciler/cluster/held-runner.ts";
import type { OpenRelease, ReleaseOpener } from "../../controller/reconciler/cluster/reconcile-release.ts";
import { archiveInputs } from "../../controller/reconciler/inputs-work.ts";
import { observeRecord } from "../../controller/reconciler/observe-record.ts";
import { planRelease } from "../../controller/reconciler/plan-release.ts";
import type { BenchLocks } from "./cluster-specs.ts";
import { memoryRepository, memoryRuns, memorySigning } from "./memory-ports.ts";

const IMAGES = "registry.example/images";

/** The plan of a release, as cluster-work.ts makes it; the toolchain comes from the bench. */
export const planOf = (
  { from, folder, class: ofClass, source }: OpenRelease,
  locks: BenchLocks,
  conditions: ReleasePlan["conditions"],
): ReleasePlan =>
  planRelease(
    {
      ...{ folder, commit: source.commit, class: ofClass.spec, source: from.spec },
      toolchains: new Map([...folder.locks.keys()].map((arch) => [arch, locks[arch].toolchain])),
    },
    {
      ...{ keepRuns: false, parallelBoots: 8, conditions, boot: ofClass.spec.gate.boot === "Enforce", work: "/runs" },
      ...{ repository: IMAGES, imgrel: { version: "0.1.0", commit: null }, invoker: "bench" },
      builder: { id: CLUSTER_BUILDER, version: { node: process.versions.node }, image: null },
      builderImage: null,
    },
  );

/** Opens releases whose git is real, and whose builds, registry and signatures are in memory. */
export function benchOpener(locks: BenchLocks): (view: ClusterView) => ReleaseOpener {
  const { signer, verifier } = memorySigning();
  const verifierFor = () => verifier;
  return ({ repositories, client }) => {
    const hold = releaseHold(client);
    return {
      treeAt: async (from, commit, signal) => (await repositories.open(from, signal)).specsAt(commit),
      record: async ({ from, release }, signal) =>
        observeRecord((await repositories.open(from, signal)).records, release.name, verifierFor),
      work: async (open, conditions, signal) => {
        const { records } = await repositories.open(open.from, signal);
        const images = memoryRepository(IMAGES);
        const inputs = memoryRepository("registry.example/inputs");
        const { runner, portsOf } = memoryRuns(locks);
        const packages = { pathOf: (sha256: string) => `/packages/${sha256}` };
        const held = heldRunner(
          { runner, archiveInputs: (_, archive, stop) => archiveInputs(inputs, packages, archive, stop) },
          (stop) => hold.hold(open.release, stop),
        );
        const { work } = await assembleRelease(
          {
            arch: async ({ request }) => ({ ...portsOf(request.arch), runner: held.runner }),
            archiveInputs: held.archiveInputs,
            ...{ images, inputs, records, signer, verifier, verifierFor, inspect: async () => null },
          },
          planOf(open, locks, conditions),
          signal,
        );
        return work;
      },
      cleanUp: (release, _, signal) => hold.letGo(release, signal),
      letGo: hold.letGo,
      sweep: async () => [], // nothing was made that a deletion could leave
    };
  };
}

import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Report } from "../../builders/contract/progress.ts";
import type { Condition } from "../domain/conditions.ts";
import { buildRequest } from "../domain/plan.ts";
import { LOCAL_BUILDER } from "../domain/provenance.ts";
import { releaseDigest } from "../domain/release-folder.ts";
import { repositoryUri, type ReleaseFacts } from "../domain/release-facts.ts";
import { archesOf } from "../domain/release.ts";
import type { RunRecord } from "../domain/run-record.ts";
import { toolchainOf } from "../domain/toolchain-locks.ts";
import type { RecordRepository } from "../ports/record-repository.ts";
import type { VerifierFor } from "../reconciler/observe-record.ts";
import type { ReleasePlan, ReleasePorts } from "../reconciler/assemble-release.ts";
import {
  createComparator,
  createJobRunner,
  inspectPath,
  type LocalSigning,
  openArchState,
  openBootArtifact,
  readImgrel,
  type Stores,
} from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { type Imported, lockFor, type Prepared } from "./prepare-release.ts";

/** What a caller decides about one run of the local process. */
export type LocalChoices = {
  /** absolute path of the folder of all runs */
  readonly work: string;
  readonly keep: boolean;
  readonly boot: boolean;
};

/** A release as statements and records name it. */
const factsOf = ({ source }: Imported, { folder, commit }: Prepared): ReleaseFacts => ({
  ...{ name: folder.name, version: folder.release.spec.version, branch: source.branch, specCommit: commit },
  repository: repositoryUri(source.url),
  specDigest: releaseDigest(folder),
});

/** One run of the local process, for ever: its release, and when it began. */
const invocationId =
  ({ name, specDigest }: ReleaseFacts, arch: string) =>
  ({ run, startedOn }: RunRecord): string =>
    `local:${name}/${specDigest}/${arch}/run-${run}/${startedOn}`;

/**
 * The plan of a release that was prepared. `conditions` is asked when the record is written.
 * @param repository how references to published artifacts begin
 */
export async function planLocal(
  imported: Imported,
  prepared: Prepared,
  choices: LocalChoices,
  repository: string,
  conditions: () => readonly Condition[],
): Promise<ReleasePlan> {
  const { folder, commit, toolchains } = prepared;
  const { spec } = folder.release;
  const { gate } = imported.class;
  const release = factsOf(imported, prepared);
  const imgrel = await readImgrel();
  return {
    release,
    gate: { reproducibility: gate.reproducibility, boot: gate.boot, bootWanted: choices.boot },
    keepRuns: choices.keep,
    // a guest keeps one processor busy and waits now and then
    parallelBoots: Math.max(1, Math.min(2, availableParallelism())),
    conditions,
    arches: archesOf(spec).map((arch) => {
      const lock = lockFor(folder, arch);
      const toolchain = toolchainOf(toolchains, arch);
      return {
        ...{ release, arch, lock, toolchain, imgrel, repository },
        sourceDateEpoch: spec.inputs.sourceDateEpoch,
        baseImage: spec.inputs.baseImage ?? null,
        builder: { id: LOCAL_BUILDER, version: { node: process.versions.node } },
        invocationId: invocationId(release, arch),
        targets: spec.targets
          .filter((target) => target.arch === arch)
          .map(({ variant, platformName = null, firmwareRef = null }) => ({ variant, platformName, firmwareRef })),
        plan: {
          request: buildRequest({ release: folder.release, commit, lock, arch }),
          toolchain,
          runs: Math.max(gate.minBuilds, spec.builds ?? gate.minBuilds),
          folder: join(choices.work, folder.name, arch),
        },
      };
    }),
  };
}

/** What the local process releases with. */
export async function localPorts(
  context: CommandContext,
  with_: {
    readonly report: Report;
    readonly work: string;
    readonly prepared: Prepared;
    readonly stores: Stores;
    readonly signing: LocalSigning;
    readonly records: RecordRepository;
    readonly verifierFor: VerifierFor;
  },
): Promise<ReleasePorts> {
  const { report, work, prepared, stores, signing, records, verifierFor } = with_;
  const runner = await createJobRunner({ work, report, env: context.env });
  const comparator = await createComparator({ report });
  return {
    arch: async ({ folder }) => ({ runner, comparator, state: await openArchState(folder), openBootArtifact }),
    packages: prepared.packages,
    ...{ ...stores, records, ...signing, verifierFor },
    inspect: async (path, signal) => (await inspectPath(path, { files: false, signal })).artifacts[0]?.content ?? null,
  };
}

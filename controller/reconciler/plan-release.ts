import type { ClassSpec } from "../domain/class.ts";
import { ReleaseError } from "../domain/errors.ts";
import { buildRequest, runsOf } from "../domain/plan.ts";
import { archesOf } from "../domain/release.ts";
import { type ReleaseFacts, repositoryUri } from "../domain/release-facts.ts";
import { releaseDigest, type ReleaseFolder } from "../domain/release-folder.ts";
import type { RunRecord } from "../domain/run-record.ts";
import type { SourceSpec } from "../domain/source.ts";
import { type ToolchainLocks, toolchainOf } from "../domain/toolchain-locks.ts";
import type { ArchContext } from "./arch-content.ts";
import type { ReleasePlan } from "./assemble-release.ts";

/** A release that can be built: its folder as a commit has it, and the toolchains that its locks name. */
export type PlannedRelease = {
  readonly folder: ReleaseFolder;
  /** the last commit that touched the folder */
  readonly commit: string;
  readonly toolchains: ToolchainLocks;
  readonly class: ClassSpec;
  readonly source: SourceSpec;
};

/** Who builds it, and how. */
export type ReleaseChoices = Pick<ReleasePlan, "keepRuns" | "parallelBoots" | "conditions"> &
  Pick<ArchContext, "imgrel" | "builder" | "builderImage" | "repository"> & {
    /** whether artifacts are booted */
    readonly boot: boolean;
    /** absolute path of the folder of all runs */
    readonly work: string;
    /** how invocation IDs begin: what kind of builder it is */
    readonly invoker: string;
  };

/** One run of one builder, for ever: its release, and when it began. */
const invocationId =
  (invoker: string, { name, specDigest }: ReleaseFacts, arch: string) =>
  ({ run, startedOn }: RunRecord): string =>
    `${invoker}:${name}/${specDigest}/${arch}/run-${run}/${startedOn}`;

/**
 * The plan of a release: what is built, how often, and what is said of it. Pure.
 * @throws ReleaseError InputMissing if a lock of release or toolchain is not there; SpecInvalid as buildRequest
 */
export function planRelease(of: PlannedRelease, choices: ReleaseChoices): ReleasePlan {
  const { folder, commit, toolchains, source } = of;
  const { spec } = folder.release;
  const { gate } = of.class;
  const { imgrel, builder, builderImage, repository, keepRuns, parallelBoots, conditions } = choices;
  const release: ReleaseFacts = {
    ...{ name: folder.name, version: spec.version, branch: source.branch, specCommit: commit },
    repository: repositoryUri(source.url),
    specDigest: releaseDigest(folder),
  };
  const arches = archesOf(spec).map((arch) => {
    const lock = folder.locks.get(arch);
    if (lock === undefined) {
      const remedy = `run: imgrel lock specs/${folder.name}, and commit what it writes`;
      throw new ReleaseError("InputMissing", `${folder.name} has no lock for ${arch}`, remedy);
    }
    const toolchain = toolchainOf(toolchains, arch);
    return {
      ...{ release, arch, lock, toolchain, imgrel, builder, builderImage, repository },
      sourceDateEpoch: spec.inputs.sourceDateEpoch,
      baseImage: spec.inputs.baseImage ?? null,
      invocationId: invocationId(choices.invoker, release, arch),
      targets: spec.targets
        .filter((target) => target.arch === arch)
        .map(({ variant, platformName = null, firmwareRef = null }) => ({ variant, platformName, firmwareRef })),
      plan: {
        request: buildRequest({ release: folder.release, commit, lock, arch }),
        toolchain,
        runs: runsOf(gate, spec),
        folder: `${choices.work}/${folder.name}/${arch}`,
      },
    };
  });
  return {
    ...{ release, keepRuns, parallelBoots, conditions, arches },
    gate: { reproducibility: gate.reproducibility, boot: gate.boot, bootWanted: choices.boot },
  };
}

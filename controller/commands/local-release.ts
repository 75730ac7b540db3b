import { availableParallelism } from "node:os";
import type { Report } from "../../builders/contract/progress.ts";
import type { Condition } from "../domain/conditions.ts";
import { LOCAL_BUILDER } from "../domain/provenance.ts";
import type { RecordRepository } from "../ports/record-repository.ts";
import type { VerifierFor } from "../reconciler/observe-record.ts";
import type { ReleasePlan, ReleasePorts } from "../reconciler/assemble-release.ts";
import { archiveInputs } from "../reconciler/inputs-work.ts";
import { planRelease } from "../reconciler/plan-release.ts";
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
import type { Imported, Prepared } from "./prepare-release.ts";

/** What a caller decides about one run of the local process. */
export type LocalChoices = {
  /** absolute path of the folder of all runs */
  readonly work: string;
  readonly keep: boolean;
  readonly boot: boolean;
};

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
  const { class: ofClass, source } = imported;
  return planRelease(
    { ...prepared, class: ofClass, source },
    {
      ...{ repository, conditions, work: choices.work, boot: choices.boot, keepRuns: choices.keep },
      // a guest keeps one processor busy and waits now and then
      parallelBoots: Math.max(1, Math.min(2, availableParallelism())),
      imgrel: await readImgrel(),
      builder: { id: LOCAL_BUILDER, version: { node: process.versions.node }, image: null },
      builderImage: null,
      invoker: "local",
    },
  );
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
    archiveInputs: (_, archive, signal) => archiveInputs(stores.inputs, prepared.packages, archive, signal),
    ...{ ...stores, records, ...signing, verifierFor },
    inspect: async (path, signal) => (await inspectPath(path, { files: false, signal })).artifacts[0]?.content ?? null,
  };
}

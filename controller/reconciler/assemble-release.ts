import type { RecordedArch } from "../domain/compose-record.ts";
import type { Condition } from "../domain/conditions.ts";
import { type InputsArchive, inputsArchive } from "../domain/inputs-archive.ts";
import { type Layout, layoutOf } from "../domain/layout.ts";
import type { ObservedGate } from "../domain/observed.ts";
import type { ArchPlan } from "../domain/plan.ts";
import { diffReport } from "../domain/record.ts";
import type { ReleaseFacts } from "../domain/release-facts.ts";
import type { Failure } from "../domain/verdict.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { RecordRepository } from "../ports/record-repository.ts";
import type { Signer } from "../ports/signer.ts";
import { type ArchContent, archContent, type ArchContext } from "./arch-content.ts";
import { type ArchPorts, type ArchWork, archWork } from "./arch-work.ts";
import { isArchived } from "./inputs-work.ts";
import { observeRecord, type VerifierFor, type WrittenRecord } from "./observe-record.ts";
import { writeFailure, writeRecord } from "./record-work.ts";
import type { ReleaseWork } from "./reconcile.ts";
import { releaseWork } from "./release-work.ts";
import { signedOnce } from "./signed-once.ts";
import { type TargetWork, targetWork } from "./target-work.ts";

/** What a release is done with. */
export type ReleasePorts = {
  readonly arch: (plan: ArchPlan) => Promise<ArchPorts>;
  /** keeps the inputs of one arch by digest, as `archive` says (trust.md 6) */
  readonly archiveInputs: (of: ArchPlan, archive: InputsArchive, signal: AbortSignal) => Promise<void>;
  /** where releases go, and where inputs are kept */
  readonly images: ArtifactStore;
  readonly inputs: ArtifactStore;
  readonly records: RecordRepository;
  readonly signer: Signer;
  /** knows the signer, and nobody else */
  readonly verifier: BundleVerifier;
  readonly verifierFor: VerifierFor;
  /** what an image is like inside */
  readonly inspect: (path: string, signal: AbortSignal) => Promise<Parameters<typeof layoutOf>[0]>;
};

/** What is to be released. */
export type ReleasePlan = {
  readonly release: ReleaseFacts;
  readonly gate: ObservedGate;
  readonly keepRuns: boolean;
  readonly parallelBoots: number;
  readonly arches: readonly (ArchContext & { readonly plan: ArchPlan })[];
  /** the conditions that the record is to hold, asked when it is written */
  readonly conditions: () => readonly Condition[];
};

type Part = {
  readonly context: ArchContext;
  readonly archive: InputsArchive;
  readonly work: ArchWork;
  readonly content: ArchContent;
  readonly targets: readonly TargetWork[];
};

/** What the record says of one arch. */
async function recordedArch(
  ports: ReleasePorts,
  part: Part,
  booted: boolean,
  signal: AbortSignal,
): Promise<RecordedArch> {
  const { context, archive, work, content, targets } = part;
  const { manifest, output } = work.first();
  const { reproduced } = work.proven();
  const documents = await content.documents();
  if (reproduced === null || documents === null) throw new RangeError(`${context.arch} is not proven`);
  const layout = async (variant: string): Promise<Layout | null> => {
    const disk = reproduced.files.find(
      ({ path }) => path.startsWith(`${context.arch}/${variant}/`) && /\.(img|qcow2)$/.test(path),
    );
    return disk === undefined ? null : layoutOf(await ports.inspect(`${output}/${disk.path}`, signal), null);
  };
  return {
    ...{ manifest, lock: context.lock, toolchain: context.toolchain, files: reproduced.files },
    ...{ runs: work.plan.runs, booted, spdx: documents.spdx, cyclonedx: documents.cyclonedx },
    inputs: { reference: `${ports.inputs.name}:${archive.tag}`, digest: archive.manifest.descriptor.digest },
    targets: await Promise.all(
      targets.map(async (target) => {
        const published = target.publication();
        if (published === null) throw new RangeError(`${target.ref.variant} is not published`);
        return {
          variant: target.ref.variant,
          oci: { reference: `${ports.images.name}:${published.tag}`, digest: published.descriptor.digest },
          layout: await layout(target.ref.variant),
          documents: target.documents(),
        };
      }),
    ),
  };
}

/** A release as its parts, ready to be reconciled. */
export type AssembledRelease = {
  readonly work: ReleaseWork;
  readonly arches: readonly ArchWork[];
  readonly targets: readonly TargetWork[];
};

/** Puts a release together: one {@link ArchWork} per arch, one {@link TargetWork} per target, inputs and record. */
export async function assembleRelease(
  ports: ReleasePorts,
  plan: ReleasePlan,
  signal: AbortSignal,
): Promise<AssembledRelease> {
  const { release, gate } = plan;
  const parts: Part[] = [];
  const statements = signedOnce(ports.signer);
  for (const { plan: archPlan, ...context } of plan.arches) {
    const archPorts = await ports.arch(archPlan);
    const work = archWork(archPorts, archPlan);
    const content = archContent(archPorts.runner, work, context, gate.bootWanted);
    const targets = archPlan.request.variants.map((variant) =>
      targetWork(
        { store: ports.images, signer: ports.signer, statements, verifier: ports.verifier },
        release.name,
        { arch: archPlan.request.arch, variant },
        () => content.target(variant),
      ),
    );
    parts.push({ context, archive: inputsArchive(context), work, content, targets });
  }
  const arches = parts.map(({ work }) => work);
  const targets = parts.flatMap((part) => part.targets);
  let written: WrittenRecord | null = null;
  const writePublished = async (stop: AbortSignal): Promise<void> => {
    const booted = gate.bootWanted;
    const recorded: RecordedArch[] = [];
    for (const part of parts) {
      const allPassed = [...part.work.boots().values()].every(({ result }) => result.passed);
      recorded.push(await recordedArch(ports, part, booted && allPassed, stop));
    }
    const sourceDateEpoch = plan.arches[0]?.sourceDateEpoch ?? 0;
    written = await writeRecord(
      ports,
      { release, sourceDateEpoch, arches: recorded, conditions: plan.conditions() },
      stop,
    );
  };
  const writeFailed = (failure: Failure): Promise<void> => {
    const diffs = arches.flatMap((work) => work.difference() ?? []).map(diffReport);
    const about = { release, conditions: plan.conditions(), targets: targets.map(({ ref }) => ref) };
    return writeFailure(ports.records, { ...about, failure, diffs });
  };
  const { keepRuns, parallelBoots } = plan;
  const { name, version, specDigest } = release;
  const work = releaseWork(
    {
      ...{ specDigest, version, keepRuns, parallelBoots, gate, arches, targets },
      inputs: {
        archived: async (stop) =>
          (await Promise.all(parts.map(({ archive }) => isArchived(ports.inputs, archive, stop)))).every(Boolean),
        archive: async (stop) => {
          for (const { work: of, archive } of parts) await ports.archiveInputs(of.plan, archive, stop);
        },
      },
      record: {
        observe: () => observeRecord(ports.records, name, ports.verifierFor, written),
        write: (failure, stop) => (failure === null ? writePublished(stop) : writeFailed(failure)),
      },
    },
    signal,
  );
  return { work, arches, targets };
}

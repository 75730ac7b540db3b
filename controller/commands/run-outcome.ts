import type { Decision } from "../domain/decide.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { type ScheduledStep, scheduleLines } from "../domain/schedule.ts";
import { stopOf } from "../domain/verdict.ts";
import type { AssembledRelease } from "../reconciler/assemble-release.ts";
import type { CommandContext, OutputFormat } from "./command.ts";
import type { Opened } from "./open-local.ts";
import type { Prepared } from "./prepare-release.ts";
import { policyLines, type Proof, publicationLines } from "./publication-report.ts";
import { archText } from "./run-report.ts";

/** A release that was reconciled to its end. */
export type Outcome = {
  readonly assembled: AssembledRelease;
  readonly decision: Decision;
  readonly schedule: readonly ScheduledStep[];
  /** what the branch of records holds now */
  readonly record: ObservedRecord;
};

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** A release that its record ended before: published, or failed for ever. */
export function showSettled(
  context: CommandContext,
  name: string,
  record: Extract<ObservedRecord, { kind: "recorded" | "failed" }>,
  output: OutputFormat,
): void {
  const { kind, commit } = record;
  if (output === "text") {
    context.stdout(`nothing to do: ${name} ${kind === "failed" ? "failed" : "is released"}; record ${commit}`);
    return;
  }
  const outcome = kind === "failed" ? { kind: "stopped", ...stopOf(record.failure) } : { kind };
  context.stdout(json({ release: name, outcome, record: commit }));
}

/** What came of a release, for scripts. */
export function showJson(
  context: CommandContext,
  { prepared, outcome }: { readonly prepared: Prepared; readonly outcome: Outcome },
) {
  const { assembled, decision, schedule, record } = outcome;
  const arches = assembled.arches.map((work) => ({
    arch: work.plan.request.arch,
    reproduced: work.isReproduced(),
    ...(work.isReproduced() ? { output: work.first().output, manifest: work.first().manifest } : {}),
    boots: Object.fromEntries(work.boots()),
  }));
  const targets = assembled.targets.map(({ ref, publication }) => ({ ...ref, published: publication() }));
  const { version } = prepared.folder.release.spec;
  const { commit, summary } = prepared;
  const { name } = prepared.folder;
  context.stdout(
    json({ release: name, version, commit, summary, outcome: decision.outcome, arches, targets, record, schedule }),
  );
}

/** The last line: how the release ended, and where that stands. */
function lastLine(release: string, targets: number, record: ObservedRecord): string {
  if (record.kind === "failed") return `failed ${release}: nothing is signed or published; record ${record.commit}`;
  const commit = record.kind === "recorded" ? record.commit : "";
  return `released ${release}: ${targets} artifacts, reproduced, booted, signed; record ${commit}`;
}

/**
 * What came of a release, for people.
 * @param booted false: the caller left boots out
 */
export function showText(
  context: CommandContext,
  given: {
    readonly name: string;
    readonly opened: Opened;
    readonly proof: Proof;
    readonly outcome: Outcome;
    readonly booted: boolean;
  },
) {
  const { name, opened, proof, outcome, booted } = given;
  const { assembled, decision, schedule, record } = outcome;
  const { cwd } = context;
  for (const work of assembled.arches) context.stdout(archText(work, cwd));
  if (schedule.length > 0) context.stdout(["", ...scheduleLines(schedule, 40), ""].join("\n"));
  if (decision.outcome.kind === "stopped") {
    if (record.kind === "failed") context.stdout(lastLine(name, 0, record));
    else if (!booted) context.stdout(`not verified: boots were left out; nothing of ${name} is published`);
    return;
  }
  const lines = [
    ...publicationLines(assembled.targets, opened.stores.images.name),
    ...policyLines({ text: opened.policy.text, keySha256: opened.signing.signer.identity.keySha256, proof }),
    lastLine(name, assembled.targets.length, record),
  ];
  context.stdout(lines.join("\n"));
}

import type { Command } from "commander";
import type { Condition } from "../domain/conditions.ts";
import type { Decision } from "../domain/decide.ts";
import { ReleaseError } from "../domain/errors.ts";
import { recordedConditions, withDecision } from "../domain/release-conditions.ts";
import { releaseDigest } from "../domain/release-folder.ts";
import { scheduleOf, type TimedEvent } from "../domain/schedule.ts";
import { type Stop, stopOf } from "../domain/verdict.ts";
import { assembleRelease, type ReleasePlan } from "../reconciler/assemble-release.ts";
import { observeRecord } from "../reconciler/observe-record.ts";
import { reconcile } from "../reconciler/reconcile.ts";
import { readMachineFacts } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { localPorts, planLocal } from "./local-release.ts";
import { LOCAL_CLASS, LOCAL_SOURCE } from "./lock-files.ts";
import { openAll, type Opened, placesOf, proofOf, type PublishOptions, refuseMissing } from "./open-local.ts";
import { alone, type Imported, importRelease, type Prepared, refreshImported } from "./prepare-release.ts";
import { type Outcome, showJson, showSettled, showText } from "./run-outcome.ts";
import { planText } from "./run-report.ts";

type Options = PublishOptions & {
  readonly output: OutputFormat;
  readonly plan?: true;
  readonly keep?: true;
  readonly boot: boolean;
};

async function showPlan(context: CommandContext, options: Options, prepared: Prepared, plan: ReleasePlan) {
  const plans = plan.arches.map((arch) => arch.plan);
  const { name, version } = plan.release;
  if (options.output === "json") {
    if (options.plan === true)
      context.stdout(JSON.stringify({ release: name, commit: prepared.commit, plans }, null, 2));
    return;
  }
  const machine = await readMachineFacts();
  context.stdout(`release    ${name} ${version}, commit ${prepared.commit}`);
  for (const one of plans) context.stdout(planText(one, machine, options.boot));
}

/** Reconciles the release to its end; null if only its plan was asked for. */
async function release(
  context: CommandContext,
  options: Options,
  given: { readonly imported: Imported; readonly prepared: Prepared; readonly opened: Opened },
): Promise<Outcome | null> {
  const { imported, prepared, opened } = given;
  const { work } = placesOf(context, options);
  let conditions: readonly Condition[] = [];
  const choices = { work, keep: options.keep === true, boot: options.boot };
  const plan = await planLocal(imported, prepared, choices, opened.stores.images.name, () =>
    recordedConditions(conditions, new Date()),
  );
  await showPlan(context, options, prepared, plan);
  if (options.plan === true) return null;
  const events: TimedEvent[] = [];
  const report: CommandContext["report"] = (event) => {
    events.push({ event, at: performance.now() / 1000 });
    context.report(event);
  };
  const ports = await localPorts(context, { report, work, prepared, ...opened });
  const assembled = await assembleRelease(ports, plan, context.signal);
  const stops: Stop[] = [];
  const onDecision = (decided: Decision) => {
    conditions = withDecision(conditions, decided, new Date());
    if (decided.outcome.kind === "stopped") stops.push(decided.outcome);
  };
  const decision = await reconcile(assembled.work, context.signal, onDecision).catch((error: unknown) => {
    // why it stopped matters more than what then stood in the way of its record
    if (stops[0] !== undefined) context.stderr(`${stops[0].message}; that is not recorded yet`);
    throw error;
  });
  const found = await observeRecord(opened.records, imported.name, opened.verifierFor);
  // that an earlier version failed says nothing of this one
  const isEarlier = found.kind === "failed" && found.specDigest !== plan.release.specDigest;
  const record = isEarlier ? ({ kind: "absent" } as const) : found;
  return { assembled, decision, schedule: scheduleOf(events), record };
}

const errorOf = ({ code, message, remedy }: Stop): ReleaseError => new ReleaseError(code, message, remedy);

/** `imgrel run`: one release, from the spec in git to artifacts that are reproduced, booted, signed and recorded. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const imported = await importRelease(context, options);
  refuseMissing(imported);
  if (imported.paths.length > 0) context.stderr(`imported ${imported.paths.join(", ")} into the repository`);
  const opened = await openAll(context, options, imported);
  const { name } = imported;
  const before = await observeRecord(opened.records, name, opened.verifierFor);
  const isSettled = before.kind === "recorded" || before.kind === "failed";
  if (isSettled && before.specDigest === releaseDigest(imported.folder)) {
    showSettled(context, name, before, options.output);
    if (before.kind === "failed") throw errorOf(stopOf(before.failure));
    return;
  }
  const prepared = await refreshImported(context, imported);
  if (prepared.summary !== null) context.stderr(prepared.summary);
  const outcome = await release(context, options, { imported, prepared, opened });
  if (outcome === null) return;
  if (options.output === "text") {
    const proof = proofOf(context, options, imported);
    showText(context, { name, opened, proof, outcome, booted: options.boot });
  } else showJson(context, { prepared, outcome });
  const { decision } = outcome;
  // a release that stopped is a failure, unless it stopped where the caller wanted it to
  const isWanted = !options.boot && outcome.record.kind !== "failed";
  if (decision.outcome.kind === "stopped" && !(isWanted && decision.outcome.code === "VerificationFailed")) {
    throw errorOf(decision.outcome);
  }
}

/** Adds `imgrel run`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("run")
    .description(
      "Release as one local process: import the spec into the state folder's repository, fetch and if need be move its " +
        "pins, build every architecture at least twice, compare to the byte, boot every artifact, sign, publish, and " +
        "record it all in git. What is done is not done again.",
    )
    .option("--spec <folder>", "folder of the release", "specs/demo")
    .option("--class <file>", "the release's class", LOCAL_CLASS)
    .option("--source <file>", "the source that the release comes from", LOCAL_SOURCE)
    .option("--state-dir <folder>", "repository, keys, policy, runs and evidence", ".imgrel")
    .option("--repository <location>", "URL or path of a git repository with specs (default: one in the state folder)")
    .option(
      "--registry <place>",
      "where releases go: a folder for an OCI image layout, beginning with . or /, or <host>/<path> of a registry " +
        "(default: a folder in the state folder)",
    )
    .option("--registry-ca <file>", "certificates in PEM that the registry's must come from")
    .option("--passphrase-file <file>", "opens the signing key, and encrypts it when it is made; its first line counts")
    .option("--plan", "print what would be done, and stop")
    .option("--keep", "keep the bytes of all runs although they are the same")
    .option(
      "--no-boot",
      "leave the boots out; the release is then not verified, and published only if the class allows",
    )
    .addOption(outputOption())
    .action((options: Options) => alone(context, options, () => run(context, options)));
}

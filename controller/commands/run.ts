import { resolve } from "node:path";
import type { Command } from "commander";
import type { Condition } from "../domain/conditions.ts";
import type { Decision } from "../domain/decide.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { localPolicy } from "../domain/policy-file.ts";
import { recordedConditions, withDecision } from "../domain/release-conditions.ts";
import { releaseDigest } from "../domain/release-folder.ts";
import { type ScheduledStep, scheduleLines, scheduleOf, type TimedEvent } from "../domain/schedule.ts";
import { type AssembledRelease, assembleRelease, type ReleasePlan } from "../reconciler/assemble-release.ts";
import { reconcile } from "../reconciler/reconcile.ts";
import { observeRecord, type VerifierFor } from "../reconciler/record-work.ts";
import { keepPolicy, openRecords, openSigning, openStores, readMachineFacts } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { localPorts, planLocal } from "./local-release.ts";
import { LOCAL_CLASS, LOCAL_SOURCE, shortPath } from "./lock-files.ts";
import {
  alone,
  type Imported,
  importRelease,
  type LocalOptions,
  type Prepared,
  refreshImported,
  repositoryChoice,
  workFolder,
} from "./prepare-release.ts";
import { policyLines, publicationLines } from "./publication-report.ts";
import { archText, planText } from "./run-report.ts";

type Options = LocalOptions & {
  readonly output: OutputFormat;
  readonly plan?: true;
  readonly keep?: true;
  readonly boot: boolean;
  readonly registry?: string;
  readonly registryCa?: string;
  readonly passphraseFile?: string;
};

/** A folder begins with a dot or a slash, as an absolute path then; anything else is a registry's repository. */
const registryPlace = (cwd: string, place: string): string => (/^[./]/.test(place) ? resolve(cwd, place) : place);

/** Where the local process keeps things, absolute paths. */
const placesOf = ({ cwd }: CommandContext, options: Options) => {
  const state = resolve(cwd, options.stateDir);
  return {
    state,
    work: workFolder(state),
    ...(options.registry === undefined ? {} : { registry: registryPlace(cwd, options.registry) }),
    ...(options.registryCa === undefined ? {} : { caFile: resolve(cwd, options.registryCa) }),
    ...(options.passphraseFile === undefined ? {} : { passphraseFile: resolve(cwd, options.passphraseFile) }),
  };
};

/** What a class asks for that this version does not do is refused: nothing is left out in silence. */
function refuseMissing({ class: releaseClass }: Imported): void {
  const asked = [
    ...(releaseClass.notify === undefined ? [] : ["spec.notify"]),
    ...(releaseClass.publish === undefined ? [] : ["spec.publish"]),
    ...(releaseClass.signing.mode === "keyless" ? ["spec.signing.mode: keyless"] : []),
  ];
  if (asked.length === 0) return;
  throw new ReleaseError(
    "SpecInvalid",
    `the class has ${asked.join(", ")}, which the local process does not do yet`,
    "take it out of the class: releases go to the folder that --registry names, signed with a key of their own",
  );
}

const lastLine = (release: string, targets: number, record: ObservedRecord): string => {
  const commit = record.kind === "recorded" ? record.commit : "";
  return `released ${release}: ${targets} artifacts, reproduced, booted, signed; record ${commit}`;
};

type Outcome = {
  readonly assembled: AssembledRelease;
  readonly decision: Decision;
  readonly schedule: readonly ScheduledStep[];
};

/** Reconciles the release to its end, and tells what came of it even if an action throws. */
async function release(
  context: CommandContext,
  options: Options,
  given: {
    readonly imported: Imported;
    readonly prepared: Prepared;
    readonly open: Awaited<ReturnType<typeof openAll>>;
  },
): Promise<Outcome | null> {
  const { imported, prepared, open } = given;
  const { work } = placesOf(context, options);
  let conditions: readonly Condition[] = [];
  const choices = { work, keep: options.keep === true, boot: options.boot };
  const plan = await planLocal(imported, prepared, choices, open.stores.images.name, () =>
    recordedConditions(conditions, new Date()),
  );
  await showPlan(context, options, prepared, plan);
  if (options.plan === true) return null;
  const events: TimedEvent[] = [];
  const report: CommandContext["report"] = (event) => {
    events.push({ event, at: performance.now() / 1000 });
    context.report(event);
  };
  const ports = await localPorts(context, { report, work, prepared, ...open });
  const assembled = await assembleRelease(ports, plan, context.signal);
  const decision = await reconcile(assembled.work, context.signal, (decided) => {
    conditions = withDecision(conditions, decided, new Date());
  });
  return { assembled, decision, schedule: scheduleOf(events) };
}

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

/** Everything that a release is published with. */
async function openAll(context: CommandContext, options: Options, imported: Imported) {
  const { state, passphraseFile, registry, caFile } = placesOf(context, options);
  const signing = await openSigning(state, passphraseFile);
  const { verifier } = signing;
  const verifierFor: VerifierFor = () => verifier;
  const stores = await openStores({
    ...{ stateDirectory: state, network: imported.class.network, env: context.env },
    ...(registry === undefined ? {} : { registry }),
    ...(caFile === undefined ? {} : { caFile }),
  });
  const records = await openRecords(repositoryChoice(context, options), imported.source);
  const { gate } = imported.class;
  const policy = await keepPolicy(
    state,
    localPolicy({ ...signing.signer.identity, minBuilds: gate.minBuilds, bootRequired: gate.boot === "Enforce" }),
  );
  return { signing, stores, records, verifierFor, policy };
}

/** `imgrel run`: one release, from the spec in git to artifacts that are reproduced, booted, signed and recorded. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const imported = await importRelease(context, options);
  refuseMissing(imported);
  if (imported.paths.length > 0) context.stderr(`imported ${imported.paths.join(", ")} into the repository`);
  const open = await openAll(context, options, imported);
  const { name } = imported;
  const before = await observeRecord(open.records, name, open.verifierFor);
  const text = options.output === "text";
  if (before.kind === "recorded" && before.specDigest === releaseDigest(imported.folder)) {
    const { commit } = before;
    if (text) context.stdout(`nothing to do: ${name} is released; record ${commit}`);
    else context.stdout(JSON.stringify({ release: name, outcome: { kind: "recorded" }, record: commit }, null, 2));
    return;
  }
  const prepared = await refreshImported(context, imported);
  if (prepared.summary !== null) context.stderr(prepared.summary);
  const outcome = await release(context, options, { imported, prepared, open });
  if (outcome === null) return;
  const record = await observeRecord(open.records, name, open.verifierFor);
  if (text) showText(context, options, { imported, open, outcome, record });
  else showJson(context, { name, prepared, outcome, record });
  const { decision } = outcome;
  if (decision.outcome.kind === "stopped") throwUnlessAsked(decision.outcome, options);
}

/** A release that stopped is a failure, unless it stopped where the caller wanted it to. */
function throwUnlessAsked(
  { code, message, remedy }: Extract<Decision["outcome"], { kind: "stopped" }>,
  options: Options,
) {
  if (code === "VerificationFailed" && !options.boot) return;
  throw new ReleaseError(code, message, remedy);
}

function showJson(
  context: CommandContext,
  { name, prepared, outcome, record }: { name: string; prepared: Prepared; outcome: Outcome; record: ObservedRecord },
) {
  const { assembled, decision, schedule } = outcome;
  const arches = assembled.arches.map((work) => ({
    arch: work.plan.request.arch,
    reproduced: work.isReproduced(),
    ...(work.isReproduced() ? { output: work.first().output, manifest: work.first().manifest } : {}),
    boots: Object.fromEntries(work.boots()),
  }));
  const targets = assembled.targets.map(({ ref, publication }) => ({ ...ref, published: publication() }));
  const { version } = prepared.folder.release.spec;
  const { commit, summary } = prepared;
  context.stdout(
    JSON.stringify(
      { release: name, version, commit, summary, outcome: decision.outcome, arches, targets, record, schedule },
      null,
      2,
    ),
  );
}

function showText(
  context: CommandContext,
  options: Options,
  given: {
    readonly imported: Imported;
    readonly open: Awaited<ReturnType<typeof openAll>>;
    readonly outcome: Outcome;
    readonly record: ObservedRecord;
  },
) {
  const { imported, open, outcome, record } = given;
  const { assembled, decision, schedule } = outcome;
  const { cwd } = context;
  for (const work of assembled.arches) context.stdout(archText(work, cwd));
  if (schedule.length > 0) context.stdout(["", ...scheduleLines(schedule, 40), ""].join("\n"));
  if (decision.outcome.kind === "stopped") {
    if (!options.boot) context.stdout(`not verified: boots were left out; nothing of ${imported.name} is published`);
    return;
  }
  const lines = [
    ...publicationLines(assembled.targets, open.stores.images.name),
    ...policyLines({
      ...{ path: shortPath(cwd, open.policy.path), text: open.policy.text },
      keySha256: open.signing.signer.identity.keySha256,
    }),
    lastLine(imported.name, assembled.targets.length, record),
  ];
  context.stdout(lines.join("\n"));
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

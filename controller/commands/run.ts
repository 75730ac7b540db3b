import { join, resolve } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../../builders/contract/build-failure.ts";
import { describedFiles } from "../../builders/contract/build-manifest.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { type MachineFacts, variedAspects, variationOf } from "../../builders/contract/variation.ts";
import { bootName, bootPlan } from "../domain/boot-plan.ts";
import { buildRequest } from "../domain/plan.ts";
import { archesOf } from "../domain/release.ts";
import { scheduleLines, scheduleOf, type TimedEvent } from "../domain/schedule.ts";
import { toolchainOf } from "../domain/toolchain-locks.ts";
import { createComparator, createJobRunner, openArchState, readMachineFacts } from "../wiring.ts";
import { bootReport } from "./boot.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { LOCAL_CLASS, LOCAL_SOURCE, shortPath } from "./lock-files.ts";
import { alone, type LocalOptions, lockFor, type Prepared, prepareRelease, workFolder } from "./prepare-release.ts";
import { type ArchPlan, type ArchResult, releaseArch } from "./release-arch.ts";

type Options = LocalOptions & {
  readonly output: OutputFormat;
  readonly plan?: true;
  readonly keep?: true;
  readonly boot: boolean;
};

function planOf(prepared: Prepared, arch: Arch, work: string, options: Options): ArchPlan {
  const { folder, commit, toolchains, minBuilds } = prepared;
  return {
    request: buildRequest({ release: folder.release, commit, lock: lockFor(folder, arch), arch }),
    toolchain: toolchainOf(toolchains, arch),
    runs: Math.max(minBuilds, folder.release.spec.builds ?? minBuilds),
    folder: join(work, folder.name, arch),
    keep: options.keep === true,
    boot: options.boot,
  };
}

/** What will happen, before it does. */
function planText({ request, runs, boot }: ArchPlan, machine: MachineFacts): string {
  const boots = boot ? bootPlan(request.variants, request.arch).map(bootName).join(", ") : "none";
  const aspects = variedAspects(variationOf(1, machine), variationOf(2, machine));
  const varied = aspects.flatMap(({ aspect, values }) => (values === null ? [] : [`${aspect} ${values}`]));
  const fixed = aspects.flatMap(({ aspect, values, why }) => (values === null ? [`${aspect} (${why})`] : []));
  return [
    `plan       ${request.arch}: ${request.variants.join(", ")}; ${request.lock.packages.length} packages, ${request.kernelPackage}`,
    `  runs     ${runs}, compared to the byte; varied: ${varied.join("; ")}`,
    `           not varied: ${fixed.join("; ")}`,
    `  boots    ${boots}`,
  ].join("\n");
}

function resultText(context: CommandContext, plan: ArchPlan, { arch, run, boots }: ArchResult): string {
  const shown = (...parts: string[]) => shortPath(context.cwd, join(run.output, arch, ...parts));
  const files = describedFiles(run.manifest).flatMap(({ path }) => (path.endsWith("/SHA256SUMS") ? [] : [path]));
  return [
    `reproduced ${arch}: ${plan.runs} runs are the same to the byte (${shortPath(context.cwd, join(plan.folder, "comparison.txt"))})`,
    ...files.map(
      (path) => `${(path.split("/").at(-1) ?? "").padEnd(18)} ${shortPath(context.cwd, join(run.output, path))}`,
    ),
    `${"manifest".padEnd(18)} ${shown("build-manifest.json")}`,
    ...boots.map(
      ({ planned, evidence, result }) =>
        `${bootName(planned)}: ${bootReport(result, shortPath(context.cwd, evidence))}`,
    ),
  ].join("\n");
}

/** `imgrel run`: one release, from the spec in git to artifacts that were built twice, compared and booted. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const prepared = await prepareRelease(context, options);
  const { folder, commit, imported, summary } = prepared;
  if (imported.length > 0) context.stderr(`imported ${imported.join(", ")} into the repository`);
  if (summary !== null) context.stderr(summary);
  const work = workFolder(resolve(context.cwd, options.stateDir));
  const plans = archesOf(folder.release.spec).map((arch) => planOf(prepared, arch, work, options));
  const machine = await readMachineFacts();
  const text = options.output === "text";
  if (text) context.stdout(`release    ${folder.name} ${folder.release.spec.version}, commit ${commit}`);
  if (text) for (const plan of plans) context.stdout(planText(plan, machine));
  if (options.plan === true) {
    if (!text) context.stdout(JSON.stringify({ release: folder.name, commit, plans }, null, 2));
    return;
  }
  const events: TimedEvent[] = [];
  const report: CommandContext["report"] = (event) => {
    events.push({ event, at: performance.now() / 1000 });
    context.report(event);
  };
  const runner = await createJobRunner({ work, report, env: context.env });
  const comparator = await createComparator({ report });
  const results: ArchResult[] = [];
  for (const plan of plans) {
    const ports = { runner, comparator, state: await openArchState(plan.folder) };
    const result = await releaseArch(ports, plan, context.signal);
    results.push(result);
    if (text) context.stdout(resultText(context, plan, result));
  }
  const schedule = scheduleOf(events);
  const passed = results.every(({ boots }) => boots.every(({ result }) => result.passed));
  if (!passed) context.exitCode(EXIT.failed);
  if (!text) {
    context.stdout(
      JSON.stringify(
        { release: folder.name, version: folder.release.spec.version, commit, summary, results, schedule },
        null,
        2,
      ),
    );
    return;
  }
  if (schedule.length > 0) context.stdout(["", ...scheduleLines(schedule, 40), ""].join("\n"));
  const verified = options.boot
    ? passed
      ? "verified"
      : "not verified: a boot failed"
    : "not verified: boots were left out";
  context.stdout(`${verified}   ${folder.name} ${folder.release.spec.version}`);
}

/** Adds `imgrel run`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("run")
    .description(
      "Release as one local process: import the spec into the state folder's repository, fetch and if need be move its " +
        "pins, build every architecture at least twice, compare to the byte, boot every artifact.",
    )
    .option("--spec <folder>", "folder of the release", "specs/demo")
    .option("--class <file>", "the release's class", LOCAL_CLASS)
    .option("--source <file>", "the source that the release comes from", LOCAL_SOURCE)
    .option("--state-dir <folder>", "repository, runs and evidence", ".imgrel")
    .option("--plan", "print what would be done, and stop")
    .option("--keep", "keep the bytes of all runs although they are the same")
    .option("--no-boot", "leave the boots out; the release is then not verified")
    .addOption(outputOption())
    .action((options: Options) => alone(context, options, () => run(context, options)));
}

import { join, resolve } from "node:path";
import type { Command } from "commander";
import type { BootResult } from "../../builders/contract/boot.ts";
import { EXIT } from "../../builders/contract/build-failure.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { buildRequest } from "../domain/plan.ts";
import { archesOf } from "../domain/release.ts";
import { toolchainOf } from "../domain/toolchain-locks.ts";
import type { BuiltRun, JobRunner } from "../ports/job-runner.ts";
import { createJobRunner } from "../wiring.ts";
import { bootReport } from "./boot.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { LOCAL_CLASS, LOCAL_SOURCE, shortPath } from "./lock-files.ts";
import { alone, type LocalOptions, lockFor, type Prepared, prepareRelease, workFolder } from "./prepare-release.ts";

type Options = LocalOptions & { readonly output: OutputFormat };

/** What one architecture came to. */
type Finished = { readonly arch: Arch; readonly run: BuiltRun; readonly evidence: string; readonly boot: BootResult };

const MEMORY_MIB = 1536;
const BOOT_SECONDS = 900;

/** Builds one architecture and boots what came out. */
async function buildAndBoot(
  context: CommandContext,
  runner: JobRunner,
  prepared: Prepared,
  arch: Arch,
  work: string,
): Promise<Finished> {
  const { folder, commit, toolchains } = prepared;
  const toolchain = toolchainOf(toolchains, arch);
  const lock = lockFor(folder, arch);
  const request = buildRequest({ release: folder.release, commit, lock, arch });
  const run = await runner.build({ request, run: 1, toolchain }, context.signal);
  const evidence = join(work, folder.name, arch, "boot/kernel-initrd");
  const boot = await runner.boot(
    {
      ...{ arch, variant: "kernel-initrd", artifact: join(run.output, arch, "kernel-initrd"), evidence, toolchain },
      ...{ backing: "embedded:/powernode/root.erofs", disk: null },
      ...{ rootDigest: run.manifest.root_image.fsverity_digest, memoryMiB: MEMORY_MIB, timeoutSeconds: BOOT_SECONDS },
    },
    context.signal,
  );
  return { arch, run, evidence, boot };
}

function finishedText(context: CommandContext, { arch, run, evidence, boot }: Finished): string {
  const shown = (...parts: string[]) => shortPath(context.cwd, join(run.output, arch, ...parts));
  return [
    `kernel     ${shown("kernel-initrd", "kernel")}`,
    `initramfs  ${shown("kernel-initrd", "initramfs.cpio.zst")}`,
    `manifest   ${shown("build-manifest.json")}`,
    bootReport(boot, shortPath(context.cwd, evidence)),
  ].join("\n");
}

/** `imgrel run`: one release, from the spec in git to a guest that has booted. */
async function run(context: CommandContext, options: Options): Promise<void> {
  const prepared = await prepareRelease(context, options);
  const { folder, commit, imported, summary } = prepared;
  if (imported.length > 0) context.stderr(`imported ${imported.join(", ")} into the repository`);
  if (summary !== null) context.stderr(summary);
  const work = workFolder(resolve(context.cwd, options.stateDir));
  const runner = await createJobRunner({ work, report: context.report, env: context.env });
  const finished: Finished[] = [];
  for (const arch of archesOf(folder.release.spec)) {
    finished.push(await buildAndBoot(context, runner, prepared, arch, work));
  }
  if (options.output === "json") {
    const arches = finished.map(({ arch, run: { output, manifest }, evidence, boot }) => ({
      arch,
      output,
      manifest,
      evidence,
      boot,
    }));
    context.stdout(
      JSON.stringify({ release: folder.name, version: folder.release.spec.version, commit, summary, arches }, null, 2),
    );
  } else {
    context.stdout(`release    ${folder.name} ${folder.release.spec.version}, commit ${commit}`);
    for (const one of finished) context.stdout(finishedText(context, one));
  }
  if (finished.some(({ boot }) => !boot.passed)) context.exitCode(EXIT.failed);
}

/** Adds `imgrel run`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("run")
    .description(
      "Release as one local process: import the spec into the state folder's repository, fetch and if need be move its " +
        "pins, build every architecture, boot what was built.",
    )
    .option("--spec <folder>", "folder of the release", "specs/demo")
    .option("--class <file>", "the release's class", LOCAL_CLASS)
    .option("--source <file>", "the source that the release comes from", LOCAL_SOURCE)
    .option("--state-dir <folder>", "repository, runs and evidence", ".imgrel")
    .addOption(outputOption())
    .action((options: Options) => alone(context, options, () => run(context, options)));
}

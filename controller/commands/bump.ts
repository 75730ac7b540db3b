import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { lockDigest } from "../../builders/contract/lock.ts";
import { timed } from "../../builders/host/step.ts";
import { kernelMoves, lockReports, refreshSummary } from "../domain/refresh-report.ts";
import { archesOf } from "../domain/release.ts";
import {
  RELEASE_FILE,
  type ReleaseFolder,
  readReleaseFolder,
  releaseFiles,
  releasePath,
  versionsIn,
} from "../domain/release-folder.ts";
import { bumpRelease } from "../reconciler/bump-release.ts";
import { createPackageArchive, openSpecFolder, pastReleaseTexts } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { LOCAL_CLASS, readClass, readToolchainLock, shortPath } from "./lock-files.ts";

type Options = {
  readonly kernel?: true;
  readonly class: string;
  readonly stateDir: string;
  readonly output: OutputFormat;
};

function reportText(before: ReleaseFolder, after: ReleaseFolder): string {
  const changes = { before, after, toolchains: [], gone: [] };
  const lines = lockReports(changes).flatMap((report) => report.lines.map((line) => `  ${line}`));
  return [refreshSummary(changes), ...lines].join("\n");
}

function reportJson(before: ReleaseFolder, after: ReleaseFolder): string {
  const changes = { before, after, toolchains: [], gone: [] };
  const report = {
    release: after.name,
    changed: before !== after,
    version: { from: before.release.spec.version, to: after.release.spec.version },
    kernels: kernelMoves(changes),
    locks: Object.fromEntries([...after.locks].map(([arch, lock]) => [arch, lockDigest(lock)])),
    changes: lockReports(changes),
  };
  return JSON.stringify(report, null, 2);
}

/**
 * `imgrel bump`: moves a release in a checkout to what the archive has today, files in place. The whole release is
 * resolved before the first file is written.
 */
async function run(context: CommandContext, folder: string, options: Options): Promise<void> {
  const path = resolve(context.cwd, folder);
  const shown = shortPath(context.cwd, path);
  const files = await openSpecFolder(path);
  // a lock that does not fit its spec any more is no obstacle: it is about to be made anew
  const before = readReleaseFolder(basename(path), shown, await files.read(), "take");
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd, before.release.spec.className);
  const archive = await createPackageArchive(spec.archives, context.env);
  const arches = archesOf(before.release.spec);
  const toolchains = new Map(
    await Promise.all(arches.map(async (arch) => [arch, await readToolchainLock(arch)] as const)),
  );
  const past = await pastReleaseTexts({
    file: join(path, RELEASE_FILE),
    committedAs: `${releasePath(before.name)}/${RELEASE_FILE}`,
    stateDirectory: resolve(context.cwd, options.stateDir),
  });
  const after = await timed(context.report, `bump ${before.name}`, async () => {
    const used = new Set([...versionsIn(past), before.release.spec.version]);
    const request = { before, toolchains, used, now: new Date(), newestKernels: options.kernel === true };
    return { value: await bumpRelease(archive, request, context.signal) };
  });
  // release.yaml comes first: after a crash its locks don't fit, so the next bump makes them, with another version
  if (after !== null) await files.write(releaseFiles(after));
  if (options.output === "json") context.stdout(reportJson(before, after ?? before));
  else if (after !== null) context.stdout(reportText(before, after));
  else context.stdout(`${shown}: the archive has nothing new, ${before.release.spec.version} stays`);
}

/** Adds `imgrel bump`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("bump")
    .description(
      "Move a release to what the archive has today: new locks, a new version, a new kernel if its own is gone.",
    )
    .argument("<folder>", "folder of a release, such as specs/demo")
    .option("--kernel", "move to the newest kernel although the archive still has the pinned one")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .option("--state-dir <folder>", "state of the local process; versions it used are not used again", ".imgrel")
    .addOption(outputOption())
    .action((folder: string, options: Options) => run(context, folder, options));
}

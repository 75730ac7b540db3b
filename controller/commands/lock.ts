import { join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { type Lock, lockDigest, parseLock, serializeLock } from "../../builders/contract/lock.ts";
import type { ResolveRequest } from "../../builders/contract/package-request.ts";
import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import { writeFileAtomic } from "../../builders/host/files.ts";
import { timed } from "../../builders/host/step.ts";
import { ReleaseError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format.ts";
import { composeLock, releaseRequest, toolchainRequest } from "../domain/lock-request.ts";
import { packageDiff } from "../domain/package-diff.ts";
import { archesOf } from "../domain/release.ts";
import { lockFileName } from "../domain/release-lock.ts";
import { checkToolVersions } from "../domain/tool-versions.ts";
import type { PackageArchive } from "../ports/package-archive.ts";
import { createPackageArchive } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import {
  LOCAL_CLASS,
  readClass,
  readRelease,
  readTextIfThere,
  readToolchainLock,
  readToolchainPackages,
  shortPath,
  toolchainLockPath,
} from "./lock-files.ts";

type Options = {
  readonly toolchain?: true;
  readonly class: string;
  readonly arch?: Arch;
  readonly output: OutputFormat;
};

/** A lock to write, and what was at its place before. */
type Made = { readonly path: string; readonly lock: Lock; readonly before: Lock | undefined };

/** A lock that does not parse any more is made anew all the same; it has no diff. */
async function previous(path: string): Promise<Lock | undefined> {
  const text = await readTextIfThere(path);
  try {
    return text === undefined ? undefined : parseLock(text);
  } catch {
    return undefined;
  }
}

async function make(
  context: CommandContext,
  archive: PackageArchive,
  path: string,
  request: ResolveRequest,
  toolchain: Lock | null,
): Promise<Made> {
  const lock = await timed(context.report, `lock ${request.arch}`, async () => {
    const resolution = await archive.resolve(request, context.signal);
    return { value: composeLock(request, resolution, toolchain === null ? null : lockDigest(toolchain)) };
  });
  return { path, lock, before: await previous(path) };
}

async function lockToolchain(context: CommandContext, options: Options): Promise<Made[]> {
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd);
  const archive = await createPackageArchive(spec.archives, context.env);
  const arch = options.arch ?? "amd64";
  const request = toolchainRequest(await readToolchainPackages(), arch);
  return [await make(context, archive, toolchainLockPath(arch), request, null)];
}

async function lockRelease(context: CommandContext, options: Options, folder: string): Promise<Made[]> {
  const release = await readRelease(folder, context.cwd);
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd, release.spec.className);
  const archive = await createPackageArchive(spec.archives, context.env);
  const arches = archesOf(release.spec).filter((arch) => options.arch === undefined || arch === options.arch);
  if (arches.length === 0) {
    throw new ReleaseError("Usage", `no target of the release is for ${options.arch}`, "leave out --arch");
  }
  const made: Made[] = [];
  for (const arch of arches) {
    const toolchain = await readToolchainLock(arch);
    const request = releaseRequest(release.spec, arch);
    const one = await make(context, archive, join(folder, lockFileName(arch)), request, toolchain);
    checkToolVersions(release.spec.inputs.tools ?? {}, [one.lock, toolchain]);
    made.push(one);
  }
  return made;
}

/** What a person reviews: size, where from, and what changed. */
function reportLines({ lock, before }: Made, shown: string): string[] {
  const bytes = lock.packages.reduce((sum, locked) => sum + locked.size, 0);
  const suites = lock.suites.map((suite) => `${suite.archive} ${suite.suite} of ${suite.date}`).join(", ");
  const head = `${shown}: ${lock.packages.length} packages, ${formatBytes(bytes)}, from ${suites}`;
  if (before === undefined) return [head, "  new"];
  const diff = packageDiff(before, lock);
  if (diff.lines.length === 0) {
    return [head, lockDigest(before) === lockDigest(lock) ? "  unchanged" : "  the same packages"];
  }
  return [head, `  ${diff.summary}`, ...diff.lines.map((line) => `  ${line}`)];
}

function reportJson({ lock, before }: Made, path: string): object {
  const changes = before === undefined ? null : packageDiff(before, lock).lines;
  return { path, digest: lockDigest(lock), packages: lock.packages.length, suites: lock.suites, changes };
}

/**
 * `imgrel lock`: resolves a release, or the toolchain, against the class's archives and writes its locks. Nothing is
 * written unless all of them could be made.
 */
async function run(context: CommandContext, folder: string | undefined, options: Options): Promise<void> {
  if ((folder === undefined) === (options.toolchain === undefined)) {
    throw new ReleaseError(
      "Usage",
      "imgrel lock needs a release's folder or --toolchain",
      "write: imgrel lock specs/demo",
    );
  }
  const made =
    folder === undefined
      ? await lockToolchain(context, options)
      : await lockRelease(context, options, resolve(context.cwd, folder));
  for (const { path, lock } of made) await writeFileAtomic(path, serializeLock(lock));
  const shown = (one: Made) => shortPath(context.cwd, one.path);
  if (options.output === "json")
    context.stdout(
      JSON.stringify(
        made.map((one) => reportJson(one, shown(one))),
        null,
        2,
      ),
    );
  else context.stdout(made.flatMap((one) => reportLines(one, shown(one))).join("\n"));
}

/** Adds `imgrel lock`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("lock")
    .description("Pin every package of a release, or of the toolchain, by version and hash.")
    .argument("[folder]", "folder of a release, such as specs/demo")
    .option("--toolchain", "lock the toolchain instead")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .addOption(new Option("--arch <arch>", "only this architecture").choices(ARCHES))
    .addOption(outputOption())
    .action((folder: string | undefined, options: Options) => run(context, folder, options));
}

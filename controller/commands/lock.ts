import { basename, join, resolve } from "node:path";
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
import { archesOf, type ReleaseSpec } from "../domain/release.ts";
import { readReleaseFolder } from "../domain/release-folder.ts";
import { lockFileName } from "../domain/release-lock.ts";
import { checkToolVersions } from "../domain/tool-versions.ts";
import type { PackageArchive } from "../ports/package-archive.ts";
import { createPackageArchive, openSpecFolder } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption, type RegisterCommand } from "./command.ts";
import {
  LOCAL_CLASS,
  readClass,
  type OwnRoot,
  ownLockPath,
  readOwnPackages,
  readTextIfThere,
  readToolchainLock,
  shortPath,
} from "./lock-files.ts";

type Options = {
  readonly toolchain?: true;
  readonly controller?: true;
  readonly class: string;
  readonly arch?: Arch;
  readonly output: OutputFormat;
};

/** Opens the archives of a class: {@link createPackageArchive}, or a test's own. */
export type OpenArchive = typeof createPackageArchive;

/** A lock to write, and what was at its place before. */
type Made = { readonly path: string; readonly lock: Lock; readonly before: Lock | undefined };

/** Architectures of a release that a command is about. */
export function chosenArches(spec: ReleaseSpec, only: Arch | undefined): Arch[] {
  const arches = archesOf(spec).filter((arch) => only === undefined || arch === only);
  if (arches.length > 0) return arches;
  throw new ReleaseError("Usage", `no target of the release is for ${only}`, "leave out --arch");
}

/** A lock as it was; one that is none any more is made anew all the same, without a diff. */
async function oldLock(path: string): Promise<Lock | undefined> {
  const text = await readTextIfThere(path);
  try {
    return text === undefined ? undefined : parseLock(text);
  } catch {
    return undefined;
  }
}

async function resolveLock(
  context: CommandContext,
  archive: PackageArchive,
  request: ResolveRequest,
  toolchain: Lock | null,
): Promise<Lock> {
  return timed(context.report, `lock ${request.arch}`, async () => {
    const resolution = await archive.resolve(request, context.signal);
    return { value: composeLock(request, resolution, toolchain === null ? null : lockDigest(toolchain)) };
  });
}

async function lockOwn(context: CommandContext, root: OwnRoot, options: Options, open: OpenArchive): Promise<Made[]> {
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd);
  const archive = await open(spec.archives, context.env);
  const arch = options.arch ?? "amd64";
  const lock = await resolveLock(context, archive, toolchainRequest(await readOwnPackages(root), arch), null);
  const path = ownLockPath(root, arch);
  return [{ path, lock, before: await oldLock(path) }];
}

async function lockRelease(
  context: CommandContext,
  folder: string,
  options: Options,
  open: OpenArchive,
): Promise<Made[]> {
  const files = await (await openSpecFolder(folder)).read();
  const { release, locks } = readReleaseFolder(basename(folder), shortPath(context.cwd, folder), files, "take");
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd, release.spec.className);
  const archive = await open(spec.archives, context.env);
  const made: Made[] = [];
  for (const arch of chosenArches(release.spec, options.arch)) {
    const toolchain = await readToolchainLock(arch);
    const lock = await resolveLock(context, archive, releaseRequest(release.spec, arch), toolchain);
    checkToolVersions(release.spec.inputs.tools ?? {}, [lock, toolchain]);
    made.push({ path: join(folder, lockFileName(arch)), lock, before: locks.get(arch) });
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

/** What is to be locked: a release's folder, or a root of imgrel's own. */
function wantedRoot(folder: string | undefined, { toolchain, controller }: Options): OwnRoot | undefined {
  const wanted = [folder, toolchain, controller].filter((one) => one !== undefined);
  if (wanted.length === 1) return toolchain === true ? "toolchain" : controller === true ? "controller" : undefined;
  throw new ReleaseError(
    "Usage",
    "imgrel lock needs a release's folder, --toolchain or --controller, and one of them only",
    "write: imgrel lock specs/demo",
  );
}

/**
 * `imgrel lock`: resolves a release, or a root of imgrel's own, against the class's archives and writes its locks. Nothing is
 * written unless all of them could be made.
 */
async function run(
  context: CommandContext,
  folder: string | undefined,
  options: Options,
  open: OpenArchive,
): Promise<void> {
  const root = wantedRoot(folder, options);
  const made =
    root === undefined
      ? await lockRelease(context, resolve(context.cwd, folder ?? ""), options, open)
      : await lockOwn(context, root, options, open);
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

/** Adds `imgrel lock`; `open` is how it reaches archives. */
export function addLock(program: Command, context: CommandContext, open: OpenArchive): void {
  program
    .command("lock")
    .description("Pin every package of a release, or of a root of imgrel's own, by version and hash.")
    .argument("[folder]", "folder of a release, such as specs/demo")
    .option("--toolchain", "lock the toolchain instead")
    .option("--controller", "lock the root of the controller's image instead")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .addOption(new Option("--arch <arch>", "only this architecture").choices(ARCHES))
    .addOption(outputOption())
    .action((folder: string | undefined, options: Options) => run(context, folder, options, open));
}

/** Adds `imgrel lock`. */
export const register: RegisterCommand = (program, context) => addLock(program, context, createPackageArchive);

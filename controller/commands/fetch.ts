import { basename, resolve } from "node:path";
import { type Command, Option } from "commander";
import { describePackage, type Lock, lockDigest } from "../../builders/contract/lock.ts";
import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format.ts";
import { readReleaseFolder } from "../domain/release-folder.ts";
import type { PackageStore } from "../ports/package-store.ts";
import { createPackageArchive, createPackageStore, openSpecFolder } from "../wiring.ts";
import type { CommandContext, RegisterCommand } from "./command.ts";
import { chosenArches, type OpenArchive } from "./lock.ts";
import { LOCAL_CLASS, readClass, readToolchainLock, shortPath } from "./lock-files.ts";

type Options = { readonly toolchain?: true; readonly class: string; readonly arch?: Arch };

/** A lock to fetch, and what to run once its packages are gone from the archive. */
export type Wanted = { readonly lock: Lock; readonly what: string; readonly remedy: string };

/** A toolchain's lock, as something to fetch. */
export const wantedToolchain = (lock: Lock): Wanted => ({
  lock,
  what: `the ${lock.arch} toolchain`,
  remedy: `make its lock anew: imgrel lock --toolchain --arch ${lock.arch}`,
});

/**
 * The lock of a release's architecture, which must name the toolchain as it stands here.
 * @throws ReleaseError InputMissing if there is none, StaleLock if it names another toolchain
 */
export function releaseLock(lock: Lock | undefined, shown: string, arch: Arch, toolchain: Lock): Lock {
  const again = `run: imgrel lock ${shown}`;
  if (lock === undefined) throw new ReleaseError("InputMissing", `${shown} has no lock for ${arch}`, again);
  if (lock.toolchain === lockDigest(toolchain)) return lock;
  throw new ReleaseError(
    "StaleLock",
    `the lock of ${shown} for ${arch} was made for toolchain ${lock.toolchain}, this is ${lockDigest(toolchain)}`,
    `${again}, or use the checkout of imgrel that it was made with`,
  );
}

async function wantedOf(context: CommandContext, folder: string, options: Options) {
  const shown = shortPath(context.cwd, folder);
  const { release, locks } = readReleaseFolder(basename(folder), shown, await (await openSpecFolder(folder)).read());
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd, release.spec.className);
  const wanted: Wanted[] = [];
  for (const arch of chosenArches(release.spec, options.arch)) {
    const toolchain = await readToolchainLock(arch);
    const lock = releaseLock(locks.get(arch), shown, arch, toolchain);
    wanted.push(
      { lock, what: `${shown} for ${arch}`, remedy: `run: imgrel bump ${shown}` },
      wantedToolchain(toolchain),
    );
  }
  return { wanted, archives: spec.archives };
}

async function wantedByOptions(context: CommandContext, folder: string | undefined, options: Options) {
  if (folder !== undefined) return wantedOf(context, resolve(context.cwd, folder), options);
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd);
  return { wanted: [wantedToolchain(await readToolchainLock(options.arch ?? "amd64"))], archives: spec.archives };
}

/**
 * Brings the packages of locks into the cache, lock by lock.
 * @throws ReleaseError StaleLock naming all packages of a lock that no source has any more; what `store` throws
 */
export async function fetchLocks(store: PackageStore, wanted: readonly Wanted[], signal: AbortSignal): Promise<void> {
  for (const { lock, what, remedy } of wanted) {
    const gone = await store.fetch(lock, signal);
    if (gone.length === 0) continue;
    const count = gone.length === 1 ? "1 package" : `${gone.length} packages`;
    const names = gone.map(describePackage).join("\n  ");
    throw new ReleaseError("StaleLock", `no source that answers has ${count} of ${what} any more:\n  ${names}`, remedy);
  }
}

/** `imgrel fetch`: brings every input of a release, its toolchain too, into the cache. */
async function run(
  context: CommandContext,
  folder: string | undefined,
  options: Options,
  open: OpenArchive,
): Promise<void> {
  if ((folder === undefined) === (options.toolchain === undefined)) {
    throw new ReleaseError(
      "Usage",
      "imgrel fetch needs a release's folder or --toolchain",
      "write: imgrel fetch specs/demo",
    );
  }
  const { wanted, archives } = await wantedByOptions(context, folder, options);
  const { report, signal, env } = context;
  const store = await createPackageStore({ archive: await open(archives, env), report, env });
  await fetchLocks(store, wanted, signal);
  const packages = wanted.flatMap(({ lock }) => lock.packages);
  const bytes = packages.reduce((sum, { size }) => sum + size, 0);
  context.stdout(`${packages.length} packages (${formatBytes(bytes)}) are in the cache`);
}

/** Adds `imgrel fetch`; `open` is how it reaches archives. */
export function addFetch(program: Command, context: CommandContext, open: OpenArchive): void {
  program
    .command("fetch")
    .description("Download every input of a release, or of the toolchain, by hash into the cache.")
    .argument("[folder]", "folder of a release, such as specs/demo")
    .option("--toolchain", "fetch the toolchain only")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .addOption(new Option("--arch <arch>", "only this architecture").choices(ARCHES))
    .action((folder: string | undefined, options: Options) => run(context, folder, options, open));
}

/** Adds `imgrel fetch`. */
export const register: RegisterCommand = (program, context) => addFetch(program, context, createPackageArchive);

import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { describePackage, type Lock } from "../../builders/contract/lock.ts";
import type { Report } from "../../builders/contract/progress.ts";
import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { type FetchOutcome, fetchPackages } from "../../builders/host/fetch.ts";
import { ReleaseError } from "../domain/errors.ts";
import { formatBytes } from "../domain/format.ts";
import { archesOf } from "../domain/release.ts";
import type { PackageArchive } from "../ports/package-archive.ts";
import { createPackageArchive } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { LOCAL_CLASS, readClass, readLockOf, readRelease, readToolchainLock, shortPath } from "./lock-files.ts";

type Options = { readonly toolchain?: true; readonly class: string; readonly arch?: Arch };

/** A lock to fetch, and what to run once its packages are gone from the archive. */
export type Wanted = { readonly lock: Lock; readonly what: string; readonly remedy: string };

export type FetchInputs = {
  readonly archive: PackageArchive;
  /** cacheRoot of builders/host/cache.ts */
  readonly cache: string;
  readonly report: Report;
  readonly signal: AbortSignal;
};

type Complete = Extract<FetchOutcome, { kind: "complete" }>;

/**
 * Brings the packages of locks into the cache, lock by lock.
 * @throws ReleaseError StaleLock naming all packages that no source has any more; BuildError InputDigestMismatch or
 * InputMissing (fetchPackages)
 */
export async function fetchLocks(wanted: readonly Wanted[], inputs: FetchInputs): Promise<Complete> {
  const total = { kind: "complete" as const, fetched: 0, reused: 0, bytes: 0 };
  for (const { lock, what, remedy } of wanted) {
    const outcome = await fetchPackages({
      ...inputs,
      packages: lock.packages,
      locate: () => inputs.archive.locate(lock, inputs.signal),
    });
    if (outcome.kind === "gone") {
      const names = outcome.packages.map(describePackage).join("\n  ");
      const count = outcome.packages.length === 1 ? "1 package" : `${outcome.packages.length} packages`;
      throw new ReleaseError("StaleLock", `no source has ${count} of ${what} any more:\n  ${names}`, remedy);
    }
    total.fetched += outcome.fetched;
    total.reused += outcome.reused;
    total.bytes += outcome.bytes;
  }
  return total;
}

const wantedToolchain = (lock: Lock): Wanted => ({
  lock,
  what: `the ${lock.arch} toolchain`,
  remedy: `make its lock anew: imgrel lock --toolchain --arch ${lock.arch}`,
});

async function wantedOf(context: CommandContext, folder: string, options: Options) {
  const release = await readRelease(folder, context.cwd);
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd, release.spec.className);
  const arches = archesOf(release.spec).filter((arch) => options.arch === undefined || arch === options.arch);
  if (arches.length === 0) {
    throw new ReleaseError("Usage", `no target of the release is for ${options.arch}`, "leave out --arch");
  }
  const wanted: Wanted[] = [];
  for (const arch of arches) {
    const toolchain = await readToolchainLock(arch);
    const lock = await readLockOf(folder, context.cwd, release, arch, toolchain);
    const shown = shortPath(context.cwd, folder);
    wanted.push(
      { lock, what: `${shown} for ${arch}`, remedy: `run: imgrel bump ${shown}` },
      wantedToolchain(toolchain),
    );
  }
  return { wanted, archives: spec.archives };
}

/** `imgrel fetch`: brings every input of a release, its toolchain too, into the cache. */
async function run(context: CommandContext, folder: string | undefined, options: Options): Promise<void> {
  if ((folder === undefined) === (options.toolchain === undefined)) {
    throw new ReleaseError(
      "Usage",
      "imgrel fetch needs a release's folder or --toolchain",
      "write: imgrel fetch specs/demo",
    );
  }
  const { wanted, archives } =
    folder === undefined
      ? {
          wanted: [wantedToolchain(await readToolchainLock(options.arch ?? "amd64"))],
          archives: (await readClass(resolve(context.cwd, options.class), context.cwd)).spec.archives,
        }
      : await wantedOf(context, resolve(context.cwd, folder), options);
  const { report, signal, env } = context;
  const archive = await createPackageArchive(archives, env);
  const { fetched, reused, bytes } = await fetchLocks(wanted, { archive, cache: cacheRoot(env), report, signal });
  context.stdout(
    `${fetched + reused} packages in the cache: ${fetched} fetched (${formatBytes(bytes)}), ${reused} were there`,
  );
}

/** Adds `imgrel fetch`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("fetch")
    .description("Download every input of a release, or of the toolchain, by hash into the cache.")
    .argument("[folder]", "folder of a release, such as specs/demo")
    .option("--toolchain", "fetch the toolchain only")
    .option("--class <file>", "class whose archives are used", LOCAL_CLASS)
    .addOption(new Option("--arch <arch>", "only this architecture").choices(ARCHES))
    .action((folder: string | undefined, options: Options) => run(context, folder, options));
}

import { basename, join, resolve } from "node:path";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "../domain/errors.ts";
import { archesOf } from "../domain/release.ts";
import { type ReleaseFolder, readReleaseFolder, releasePath } from "../domain/release-folder.ts";
import { committedToolchainLock } from "../domain/toolchain-locks.ts";
import { importCheckout } from "../reconciler/import-checkout.ts";
import { type Refreshed, refreshRelease } from "../reconciler/refresh-release.ts";
import type { PackageStore } from "../ports/package-store.ts";
import type { SpecRepository } from "../ports/spec-repository.ts";
import type { DiskImageReleaseClass } from "../domain/class.ts";
import type { DiskImageReleaseSource } from "../domain/source.ts";
import { createPackageArchive, createPackageStore, inState, openRepository, openSpecFolder } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { readClass, readSource, readTextIfThere, ownLockPath, readOwnPackages } from "./lock-files.ts";

/** The three documents of a local process, as files, and where it keeps its state. */
export type LocalOptions = {
  readonly spec: string;
  readonly class: string;
  readonly source: string;
  readonly stateDir: string;
  readonly repository?: string;
};

/** Which repository a command works with. */
export const repositoryChoice = ({ cwd }: CommandContext, { stateDir, repository }: LocalOptions) => ({
  ...{ cwd, stateDirectory: resolve(cwd, stateDir) },
  ...(repository === undefined ? {} : { location: repository }),
});

/** Folder of all runs in a state folder, `<release>/<arch>/run-<n>` below it: scripts may rely on it. */
export const workFolder = (stateDirectory: string): string => join(stateDirectory, "work");

/** Runs a command as the only one in its state folder; another one there is named and waited for. */
export const alone = (context: CommandContext, options: LocalOptions, work: () => Promise<void>): Promise<void> =>
  inState(
    resolve(context.cwd, options.stateDir),
    context.signal,
    (pid) => context.stderr(`waiting for process ${pid}, which works in ${options.stateDir}`),
    work,
  );

/** A release that stands in the local process's repository. */
export type Imported = {
  readonly name: string;
  /** as the repository has it, pins not looked at yet */
  readonly folder: ReleaseFolder;
  readonly repository: SpecRepository;
  readonly class: DiskImageReleaseClass["spec"];
  readonly source: DiskImageReleaseSource["spec"];
  /** paths that were imported from the checkout just now */
  readonly paths: readonly string[];
};

/** A release that can be built: its pins are on this machine. */
export type Prepared = Refreshed & { readonly packages: PackageStore };

/**
 * The lock of a prepared release for an architecture.
 * @throws ReleaseError SpecInvalid if the release has no target for it
 */
export function lockFor(folder: ReleaseFolder, arch: Arch): Lock {
  const lock = folder.locks.get(arch);
  if (lock !== undefined) return lock;
  const arches = [...folder.locks.keys()].join(", ");
  throw new ReleaseError("SpecInvalid", `${folder.name} has no target for ${arch}`, `choose of ${arches}`);
}

/**
 * Takes a release from the checkout into the local process's repository.
 * @throws ReleaseError for documents with mistakes, a class that the source does not allow, and what importCheckout throws
 */
export async function importRelease(context: CommandContext, options: LocalOptions): Promise<Imported> {
  const { cwd } = context;
  const folder = resolve(cwd, options.spec);
  const name = basename(folder);
  const files = await (await openSpecFolder(folder)).read();
  const { spec } = readReleaseFolder(name, releasePath(name), files).release;
  const source = await readSource(resolve(cwd, options.source), cwd);
  if (!source.spec.allowedClasses.includes(spec.className)) {
    throw new ReleaseError(
      "SpecInvalid",
      `${options.spec} is of class ${spec.className}, which the source ${source.metadata.name} does not allow`,
      `choose of ${source.spec.allowedClasses.join(", ")}, or allow it in ${options.source}`,
    );
  }
  const releaseClass = await readClass(resolve(cwd, options.class), cwd, spec.className);
  const toolchainLocks = new Map<string, Uint8Array>();
  for (const arch of archesOf(spec)) {
    const text = await readTextIfThere(ownLockPath("toolchain", arch));
    if (text !== undefined) toolchainLocks.set(committedToolchainLock(arch), new TextEncoder().encode(text));
  }
  const repository = await openRepository(repositoryChoice(context, options));
  const { paths } = await importCheckout(repository, { release: name, files, toolchainLocks });
  const committed = await (await repository.tip()).readDirectory(releasePath(name));
  return {
    ...{ name, repository, paths, class: releaseClass.spec, source: source.spec },
    folder: readReleaseFolder(name, releasePath(name), committed),
  };
}

/**
 * Makes an imported release buildable: its pins are fetched, and where the archive no longer has one, release or
 * toolchain lock are moved and committed, never loosened.
 * @throws ReleaseError as refreshRelease
 */
export async function refreshImported(context: CommandContext, imported: Imported): Promise<Prepared> {
  const { env, report, signal } = context;
  const archive = await createPackageArchive(imported.class.archives, env);
  const packages = await createPackageStore({ archive, report, env });
  const toolchainPackages = await readOwnPackages("toolchain");
  const refreshed = await refreshRelease(
    imported.repository,
    { archive, store: packages },
    { release: imported.name, toolchainPackages, now: new Date(), signal },
  );
  // a lock that was just made names packages that nobody fetched yet
  for (const lock of [...refreshed.folder.locks.values(), ...refreshed.toolchains.values()]) {
    const gone = await packages.fetch(lock, signal);
    if (gone.length === 0) continue;
    const names = gone.map(({ name, version }) => `${name} ${version}`).join(", ");
    throw new ReleaseError(
      "ArchiveUnavailable",
      `the archive lists what it does not have: ${names}`,
      "try again later",
    );
  }
  return { ...refreshed, packages };
}

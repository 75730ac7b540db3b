import { basename, join, resolve } from "node:path";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { ReleaseError } from "../domain/errors.ts";
import { archesOf } from "../domain/release.ts";
import { type ReleaseFolder, readReleaseFolder, releasePath } from "../domain/release-folder.ts";
import { committedToolchainLock } from "../domain/toolchain-locks.ts";
import { importCheckout } from "../reconciler/import-checkout.ts";
import { type Refreshed, refreshRelease } from "../reconciler/refresh-release.ts";
import { createPackageArchive, createPackageStore, inState, openRepository, openSpecFolder } from "../wiring.ts";
import type { CommandContext } from "./command.ts";
import { readClass, readSource, readTextIfThere, readToolchainPackages, toolchainLockPath } from "./lock-files.ts";

/** The three documents of a local process, as files, and where it keeps its state. */
export type LocalOptions = {
  readonly spec: string;
  readonly class: string;
  readonly source: string;
  readonly stateDir: string;
};

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

export type Prepared = Refreshed & {
  /** paths that were imported from the checkout just now */
  readonly imported: readonly string[];
  /** how many runs the class asks for at least */
  readonly minBuilds: number;
};

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
 * Takes a release from the checkout into the local process's repository and makes it buildable: its pins are fetched,
 * and where the archive no longer has one, release or toolchain lock are moved and committed, never loosened.
 * @throws ReleaseError for documents with mistakes, a class that the source does not allow, and what
 * importCheckout and refreshRelease throw
 */
export async function prepareRelease(context: CommandContext, options: LocalOptions): Promise<Prepared> {
  const { cwd, env, report, signal } = context;
  const folder = resolve(cwd, options.spec);
  const release = basename(folder);
  const files = await (await openSpecFolder(folder)).read();
  const { spec } = readReleaseFolder(release, releasePath(release), files).release;
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
    const text = await readTextIfThere(toolchainLockPath(arch));
    if (text !== undefined) toolchainLocks.set(committedToolchainLock(arch), new TextEncoder().encode(text));
  }
  const repository = await openRepository(resolve(cwd, options.stateDir));
  const { paths } = await importCheckout(repository, { release, files, toolchainLocks });
  const archive = await createPackageArchive(releaseClass.spec.archives, env);
  const store = await createPackageStore({ archive, report, env });
  const toolchainPackages = await readToolchainPackages();
  const refreshed = await refreshRelease(
    repository,
    { archive, store },
    { release, toolchainPackages, now: new Date(), signal },
  );
  // a lock that was just made names packages that nobody fetched yet
  for (const lock of [...refreshed.folder.locks.values(), ...refreshed.toolchains.values()]) {
    const gone = await store.fetch(lock, signal);
    if (gone.length === 0) continue;
    const names = gone.map(({ name, version }) => `${name} ${version}`).join(", ");
    throw new ReleaseError(
      "ArchiveUnavailable",
      `the archive lists what it does not have: ${names}`,
      "try again later",
    );
  }
  return { ...refreshed, imported: paths, minBuilds: releaseClass.spec.gate.minBuilds };
}

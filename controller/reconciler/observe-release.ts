import { ReleaseError } from "../domain/errors.ts";
import { releaseRequest } from "../domain/lock-request.ts";
import { type ObservedArch, type PinState, stateWithout } from "../domain/refresh.ts";
import { archesOf } from "../domain/release.ts";
import {
  RELEASE_FILE,
  type ReleaseFolder,
  readReleaseFolder,
  releasePath,
  versionsIn,
} from "../domain/release-folder.ts";
import {
  readToolchainLock,
  type ToolchainLocks,
  toolchainDigest,
  committedToolchainLock,
} from "../domain/toolchain-locks.ts";
import type { PackageArchive } from "../ports/package-archive.ts";
import type { PackageStore } from "../ports/package-store.ts";
import type { SpecTree } from "../ports/spec-repository.ts";

export type PinPorts = { readonly archive: PackageArchive; readonly store: PackageStore };

type Arch = ObservedArch["arch"];
type Resolution = Awaited<ReturnType<PackageArchive["resolve"]>>;

/** A release in a repository, and what is left of its pins. */
export type ObservedRelease = {
  readonly folder: ReleaseFolder;
  readonly toolchains: ToolchainLocks;
  /** versions that the release ever had */
  readonly used: ReadonlySet<string>;
  readonly arches: readonly ObservedArch[];
  /** what the locks that are absent would hold */
  readonly resolutions: ReadonlyMap<Arch, Resolution>;
};

/** What a lock would hold, or which pin of the spec stands in the way of it. Names no source: messages go into git. */
async function tryResolve(archive: PackageArchive, folder: ReleaseFolder, arch: Arch, signal: AbortSignal) {
  const request = releaseRequest(folder.release.spec, arch);
  try {
    return { resolution: await archive.resolve(request, signal) };
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    if (error.code === "NotFound") return { pin: error.message };
    const state = `${request.archive} ${request.suite} as of ${request.snapshot}`;
    if (error.code === "ArchiveUnavailable" && request.snapshot !== null) return { pin: state };
    throw error;
  }
}

/**
 * Reads a release and its toolchains from a tree, brings their packages to this machine as far as they can be had, and
 * says what is left of each lock.
 * @throws ReleaseError and BuildError as readReleaseFolder, readToolchainLock, PackageStore and PackageArchive.resolve
 */
export async function observeRelease(
  { archive, store }: PinPorts,
  tree: SpecTree,
  name: string,
  signal: AbortSignal,
): Promise<ObservedRelease> {
  const path = releasePath(name);
  const folder = readReleaseFolder(name, path, await tree.readDirectory(path));
  const toolchains = new Map<Arch, ReturnType<typeof readToolchainLock>>();
  const resolutions = new Map<Arch, Resolution>();
  const arches: ObservedArch[] = [];
  for (const arch of archesOf(folder.release.spec)) {
    const file = committedToolchainLock(arch);
    const content = await tree.readFile(file);
    if (content !== null) toolchains.set(arch, readToolchainLock(file, content, arch));
    const [lock, toolchain] = [folder.locks.get(arch), toolchains.get(arch)];
    let release: PinState;
    if (lock === undefined) {
      const { resolution, pin } = await tryResolve(archive, folder, arch, signal);
      if (resolution !== undefined) resolutions.set(arch, resolution);
      release = pin === undefined ? { kind: "absent" } : { kind: "gone", pins: [pin] };
    } else {
      release = stateWithout(await store.fetch(lock, signal));
    }
    arches.push({
      arch,
      release,
      toolchain: toolchain === undefined ? { kind: "absent" } : stateWithout(await store.fetch(toolchain, signal)),
      toolchainNamed: toolchain !== undefined && lock?.toolchain === toolchainDigest(toolchains, arch),
    });
  }
  const used = versionsIn(await tree.everyContentOf(`${path}/${RELEASE_FILE}`));
  return { folder, toolchains, used, arches, resolutions };
}

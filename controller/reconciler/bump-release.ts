import { type BumpFacts, decideBump, editRelease, nextSnapshot } from "../domain/bump.ts";
import { composeLock, releaseRequest } from "../domain/lock-request.ts";
import { archesOf } from "../domain/release.ts";
import { checkTools, RELEASE_FILE, type ReleaseFolder, releasePath, sameInputs } from "../domain/release-folder.ts";
import { type ToolchainLocks, toolchainDigest } from "../domain/toolchain-locks.ts";
import type { PackageArchive } from "../ports/package-archive.ts";

export type BumpOptions = {
  readonly before: ReleaseFolder;
  readonly toolchains: ToolchainLocks;
  /** versions that the release ever had */
  readonly used: ReadonlySet<string>;
  readonly now: Date;
  /** move kernels although the archive still has them */
  readonly newestKernels: boolean;
};

/**
 * Moves a release to the archive's present state: a lock for every architecture, the kernel where it is gone or where
 * that is asked for, the snapshot, and the next version.
 * @returns the release as it should be written, or null if the archive has nothing new for it
 * @throws ReleaseError as PackageArchive.resolve, decideBump and editRelease; InputMissing without a toolchain lock,
 * ToolchainMismatch if that has not the tools that the spec names
 */
export async function bumpRelease(
  archive: PackageArchive,
  { before, toolchains, used, now, newestKernels }: BumpOptions,
  signal: AbortSignal,
): Promise<ReleaseFolder | null> {
  const { spec } = before.release;
  const arches = archesOf(spec);
  for (const arch of arches) toolchainDigest(toolchains, arch); // before anything slow
  const snapshot = nextSnapshot(spec, now);
  const offers: { -readonly [arch in keyof BumpFacts["offers"]]: BumpFacts["offers"][arch] } = {};
  for (const arch of arches) {
    offers[arch] = await archive.kernels({ ...releaseRequest(spec, arch), snapshot }, signal);
  }
  const bump = decideBump(spec, { used, snapshot, offers, newestKernels });
  const { text, release } = editRelease(before.text, `${releasePath(before.name)}/${RELEASE_FILE}`, bump);
  const locks = new Map(before.locks);
  for (const arch of arches) {
    const request = releaseRequest(release.spec, arch);
    locks.set(arch, composeLock(request, await archive.resolve(request, signal), toolchainDigest(toolchains, arch)));
  }
  const after: ReleaseFolder = { name: before.name, text, release, locks };
  checkTools(after, toolchains);
  return sameInputs(before, after) && Object.keys(bump.kernels).length === 0 ? null : after;
}

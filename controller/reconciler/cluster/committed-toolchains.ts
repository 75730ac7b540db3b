import { ReleaseError } from "../../domain/errors.ts";
import type { ReleaseFolder } from "../../domain/release-folder.ts";
import { committedToolchainLock, findToolchainLock, type ToolchainLocks } from "../../domain/toolchain-locks.ts";
import type { SpecTree } from "../../ports/spec-repository.ts";

/**
 * The toolchains that a release's locks name, by architecture: each is a content that its file has or had in the same
 * repository.
 * @throws ReleaseError ToolchainMismatch if none ever had it; StaleLock as readToolchainLock
 */
export async function committedToolchains(
  tree: Pick<SpecTree, "everyContentOf">,
  { name, locks }: ReleaseFolder,
): Promise<ToolchainLocks> {
  const found = [...locks].map(async ([arch, { toolchain }]) => {
    const path = committedToolchainLock(arch);
    const lock = findToolchainLock(await tree.everyContentOf(path), toolchain, arch);
    if (lock !== null) return [arch, lock] as const;
    throw new ReleaseError(
      "ToolchainMismatch",
      `the lock of ${name} for ${arch} names the toolchain ${toolchain ?? "none"}, which ${path} never was`,
      `commit the lock of imgrel's toolchain as ${path}, and lock the release anew`,
    );
  });
  return new Map(await Promise.all(found));
}

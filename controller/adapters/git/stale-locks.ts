import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/**
 * Removes the locks of a git that was killed while it moved a branch of a bare repository: git itself never does, and
 * no branch could move again (gitrepository-layout(5); lockfile.h of git). Only for who knows that no git runs there.
 */
export async function removeStaleLocks(repository: string): Promise<void> {
  const refs = await readdir(join(repository, "refs"), { recursive: true }).catch(() => []); // no repository yet
  const locks = ["HEAD.lock", ...refs.map((ref) => join("refs", ref)).filter((ref) => ref.endsWith(".lock"))];
  for (const lock of locks) await rm(join(repository, lock), { force: true });
}

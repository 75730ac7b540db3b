import { realpath } from "node:fs/promises";
import { ReleaseError } from "../../domain/errors.ts";
import { gitOn } from "./git.ts";
import { workTreeOf } from "./past-contents.ts";

/**
 * Files below parts of a git work tree that git knows, as paths below its root: what else lies there belongs to the
 * machine. A part that does not exist has none.
 * @throws ReleaseError InputMissing if the folder is not the root of a work tree; RepositoryUnusable, ToolMissing
 */
export async function trackedFiles(folder: string, parts: readonly string[]): Promise<string[]> {
  const tree = await workTreeOf(folder);
  if (tree === null || tree.root !== (await realpath(folder))) {
    const remedy = "use a checkout: git clone, then npm ci";
    throw new ReleaseError("InputMissing", `${folder} is not a git checkout of imgrel`, remedy);
  }
  const env = { GIT_WORK_TREE: tree.root };
  const listed = await gitOn(tree.gitDirectory).run(["ls-files", "-z", "--", ...parts], { env });
  return listed.split("\0").filter((path) => path !== "");
}

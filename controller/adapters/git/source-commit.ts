import { realpath } from "node:fs/promises";
import { parseBatchCheck } from "./cat-file.ts";
import { gitOn } from "./git.ts";
import { workTreeOf } from "./past-contents.ts";

/**
 * The commit that the files of a folder are of; null if it is in no work tree, is not its root, or a file that git knows
 * was changed: then no commit says what they are.
 */
export async function sourceCommit(folder: string): Promise<string | null> {
  const tree = await workTreeOf(folder);
  if (tree === null || tree.root !== (await realpath(folder))) return null;
  const git = gitOn(tree.gitDirectory);
  const env = { GIT_WORK_TREE: tree.root };
  const [head] = parseBatchCheck((await git.catFile(["--batch-check"], "HEAD\n")).toString("utf8"));
  if (head === undefined) return null; // nothing was committed yet
  const changed = await git.run(["status", "--porcelain", "--untracked-files=no"], { env });
  return changed.trim() === "" ? head.id : null;
}

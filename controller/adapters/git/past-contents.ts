import { existsSync } from "node:fs";
import { readFile, realpath, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import { refTip } from "./bare-repository.ts";
import { parseBatchCheck } from "./cat-file.ts";
import { gitOn } from "./git.ts";
import { treeAt } from "./tree.ts";

type WorkTree = { readonly root: string; readonly gitDirectory: string };

/** The git work tree that a folder is in (gitrepository-layout(5): `.git` is a folder, or a file that names one). */
async function workTreeOf(folder: string): Promise<WorkTree | null> {
  for (let root = await realpath(folder); ; root = dirname(root)) {
    const found = join(root, ".git");
    if (existsSync(found)) {
      if ((await stat(found)).isDirectory()) return { root, gitDirectory: found };
      const target = /^gitdir: (.+)$/m.exec(await readFile(found, "utf8"))?.[1];
      if (target !== undefined) return { root, gitDirectory: resolve(root, target) };
      throw new ReleaseError("RepositoryUnusable", `${found} names no git directory`, "repair the work tree with git");
    }
    if (root === dirname(root)) return null;
  }
}

/**
 * Each content that a file had in the commits of the git work tree it is in, in no particular order; none if it is in
 * no work tree, or nothing was committed there.
 * @throws ReleaseError RepositoryUnusable, ToolMissing
 */
export async function contentsInWorkTree(file: string): Promise<readonly Uint8Array[]> {
  const tree = await workTreeOf(dirname(file));
  if (tree === null) return [];
  const git = gitOn(tree.gitDirectory);
  const [head] = parseBatchCheck((await git.catFile(["--batch-check"], "HEAD\n")).toString("utf8"));
  const path = join(relative(tree.root, await realpath(dirname(file))), file.slice(dirname(file).length + 1));
  return treeAt(git, head?.id ?? null).everyContentOf(path);
}

/**
 * Each content that a file had on a branch of a bare repository; none if there is no repository.
 * @throws ReleaseError RepositoryUnusable, ToolMissing
 */
export async function contentsInRepository(
  directory: string,
  branch: string,
  path: string,
): Promise<readonly Uint8Array[]> {
  if (!existsSync(join(directory, "HEAD"))) return [];
  const git = gitOn(directory);
  return treeAt(git, await refTip(git, `refs/heads/${branch}`)).everyContentOf(path);
}

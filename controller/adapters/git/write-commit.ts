import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkedPath, type FileChange } from "../../domain/spec-files.ts";
import { signingConfig, signingFault } from "./commit-signature.ts";
import type { Git } from "./git.ts";

export type Author = { readonly name: string; readonly email: string };

/** Runs `work` with an index of its own; the repository's is never touched. */
async function withIndex<T>(work: (env: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-index-"));
  try {
    return await work({ GIT_INDEX_FILE: join(folder, "index") });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The tree of a commit. */
export const treeOf = async (git: Git, commit: string): Promise<string> =>
  (await git.run(["rev-parse", `${commit}^{tree}`])).trim();

/**
 * Writes a tree: `base` (a tree, a commit, or null: nothing) with `changes` on top.
 * @returns the tree
 * @throws ReleaseError SpecInvalid for a path that climbs out; RepositoryUnusable
 */
export async function writeTree(git: Git, base: string | null, changes: readonly FileChange[]): Promise<string> {
  // removals first: a file may take the place of a folder
  const removed = changes.filter(({ content }) => content === null && base !== null);
  const lines = removed.map(({ path }) => `0 ${"0".repeat(base?.length ?? 0)}\t${checkedPath(path)}\0`);
  for (const { path, content } of changes) {
    checkedPath(path);
    if (content === null) continue;
    const id = (await git.run(["hash-object", "-w", "--stdin"], { input: content })).trim();
    lines.push(`100644 ${id}\t${path}\0`);
  }
  return withIndex(async (env) => {
    if (base !== null) await git.run(["read-tree", base], { env });
    await git.run(["update-index", "-z", "--add", "--index-info"], { env, input: lines.join("") });
    return (await git.run(["write-tree"], { env })).trim();
  });
}

/** What a commit holds and says. `parent` null: it begins a branch. */
export type NewCommit = { readonly parent: string | null; readonly tree: string; readonly message: string };

/** Whose commits they are. With `signingKey`, a file with a private SSH key without passphrase, they are signed. */
export type Committer = { readonly author: Author; readonly signingKey?: string };

/**
 * Writes a commit, signed if the committer has a key (git-config(1), gpg.format ssh). No branch moves; until one does,
 * nobody sees it.
 * @throws ReleaseError RepositoryUnusable; ToolMissing without ssh-keygen; InputMissing if the key cannot sign
 */
export async function writeCommit(git: Git, commit: NewCommit, { author, signingKey }: Committer): Promise<string> {
  const { parent, tree, message } = commit;
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  const config = signingKey === undefined ? [] : signingConfig(signingKey);
  const args = [
    ...(signingKey === undefined ? [] : ["-S"]),
    ...(parent === null ? [] : ["-p", parent]),
    "-F",
    "-",
    tree,
  ];
  try {
    return (await git.run(["commit-tree", ...args], { env, config, input: message })).trim();
  } catch (error) {
    throw signingKey === undefined ? error : signingFault(signingKey, error);
  }
}

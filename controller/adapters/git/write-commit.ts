import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkedPath, type FileChange } from "../../domain/spec-files.ts";
import { signingConfig, signingFault } from "./commit-signature.ts";
import type { Git } from "./git.ts";

export type Author = { readonly name: string; readonly email: string };

/** The tree of a commit; of null, the empty tree, which git knows without storing it. */
export const treeOf = async (git: Git, commit: string | null): Promise<string> =>
  commit === null
    ? (await git.run(["hash-object", "-t", "tree", "--stdin"], { input: "" })).trim()
    : (await git.run(["rev-parse", `${commit}^{tree}`])).trim();

/** Stores contents as blobs, all by one process, which reads them from files in `folder`. */
async function writeBlobs(git: Git, folder: string, contents: readonly (string | Uint8Array)[]): Promise<string[]> {
  const paths = contents.map((_, index) => join(folder, `${index}`));
  for (const [index, content] of contents.entries()) await writeFile(paths[index] ?? "", content);
  const input = paths.map((path) => `${path}\n`).join("");
  return (await git.run(["hash-object", "-w", "--no-filters", "--stdin-paths"], { input })).trim().split("\n");
}

/**
 * Writes a tree: the tree `base` with `changes` on top. The repository's own index is never touched.
 * @returns the tree
 * @throws ReleaseError SpecInvalid for a path that climbs out; RepositoryUnusable
 */
export async function writeTree(git: Git, base: string, changes: readonly FileChange[]): Promise<string> {
  for (const { path } of changes) checkedPath(path);
  const written = changes.flatMap(({ path, content }) => (content === null ? [] : [{ path, content }]));
  const removed = changes.filter(({ content }) => content === null);
  const folder = await mkdtemp(join(tmpdir(), "imgrel-tree-"));
  try {
    const ids = await writeBlobs(
      git,
      folder,
      written.map(({ content }) => content),
    );
    const lines = [
      // removals first: a file may take the place of a folder
      ...removed.map(({ path }) => `0 ${"0".repeat(base.length)}\t${path}\0`),
      ...written.map(({ path }, index) => `100644 ${ids[index]}\t${path}\0`),
    ];
    const env = { GIT_INDEX_FILE: join(folder, "index") };
    await git.run(["read-tree", base], { env });
    await git.run(["update-index", "-z", "--add", "--index-info"], { env, input: lines.join("") });
    return (await git.run(["write-tree"], { env })).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

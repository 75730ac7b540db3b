import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkedPath, type FileChange } from "../../domain/spec-files.ts";
import { damaged } from "./cat-file.ts";
import { signingConfig, signingFault } from "./commit-signature.ts";
import type { Git } from "./git.ts";

export type Author = { readonly name: string; readonly email: string };

/** The tree of a commit; of null, the empty tree, which git knows without storing it. */
export async function treeOf(git: Git, commit: string | null): Promise<string> {
  if (commit === null) return (await git.run(["hash-object", "-t", "tree", "--stdin"], { input: "" })).trim();
  const [tree = null] = await git.read([`${commit}^{tree}`]);
  if (tree !== null) return tree.id;
  throw damaged(`the tree of ${commit} is missing`);
}

/** A path as git-fast-import(1) reads it; a checked one has no line break and no backslash. */
const quoted = (path: string): string => `"${checkedPath(path).replaceAll('"', '\\"')}"`;

/** All pieces in one buffer, each written once: records of several releases are some ten megabytes. */
function joined(pieces: readonly (string | Uint8Array)[]): Buffer {
  const all = Buffer.allocUnsafeSlow(pieces.reduce((size, piece) => size + Buffer.byteLength(piece), 0));
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") at += all.write(piece, at);
    else {
      all.set(piece, at);
      at += piece.byteLength;
    }
  }
  return all;
}

/** git says the same on standard error, and leaves a file in the repository besides. */
async function removeCrashReports(git: Git): Promise<void> {
  const directory = (await git.run(["rev-parse", "--absolute-git-dir"])).trimEnd();
  const reports = (await readdir(directory)).filter((name) => /^fast_import_crash_\d+$/.test(name));
  for (const name of reports) await rm(join(directory, name), { force: true });
}

/** The branch of a commit whose tree alone is wanted: it is forgotten again before git would write its ref. */
const SCRATCH = "refs/imgrel/tree";

/**
 * What was imported stays in its pack, or git would unpack fewer than 100 objects and compress each anew; and most of it
 * is base64, which more effort makes hardly smaller.
 */
const PACKED = ["fastimport.unpackLimit=1", "pack.compression=1"];

/**
 * Writes a tree: the tree `base` with `changes` on top. One process writes all of it, and no index is touched.
 * @returns the tree
 * @throws ReleaseError SpecInvalid for a path that climbs out; RepositoryUnusable, DiskFull
 */
export async function writeTree(git: Git, base: string, changes: readonly FileChange[]): Promise<string> {
  const removed = changes.filter(({ content }) => content === null);
  const pieces: (string | Uint8Array)[] = [
    `feature done\ncommit ${SCRATCH}\ncommitter imgrel <> 0 +0000\ndata 0\nM 040000 ${base} ""\n`,
    // removals first: a file may take the place of a folder
    ...removed.map(({ path }) => `D ${quoted(path)}\n`),
  ];
  for (const { path, content } of changes) {
    if (content === null) continue;
    pieces.push(`M 100644 inline ${quoted(path)}\ndata ${Buffer.byteLength(content)}\n`, content, "\n");
  }
  pieces.push(`ls ""\nreset ${SCRATCH}\n\ndone\n`);
  const printed = await git
    .run(["fast-import", "--quiet", "--cat-blob-fd=1"], { input: joined(pieces), config: PACKED })
    .catch(async (fault: unknown) => {
      await removeCrashReports(git);
      throw fault;
    });
  const [, tree] = /^040000 tree ([0-9a-f]+)\t/.exec(printed) ?? [];
  if (tree !== undefined) return tree;
  throw damaged(`git fast-import printed ${JSON.stringify(printed)}`);
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

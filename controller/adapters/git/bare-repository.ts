import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import { checkedPath, type FileChange } from "../../domain/spec-files.ts";
import { type Git, gitOn } from "./git.ts";

export type Author = { readonly name: string; readonly email: string };

/**
 * git on the bare repository in `directory`, an absolute path; makes it if there is none, with HEAD on `branch`. It is
 * made beside its place and moved there, so a crash or a second starter never leaves half a repository.
 * @throws ReleaseError RepositoryUnusable if something else is in its place or it cannot be made
 */
export async function openBareRepository(directory: string, branch: string): Promise<Git> {
  if (!existsSync(join(directory, "HEAD"))) await makeBareRepository(directory, branch);
  const git = gitOn(directory);
  await git.run(["rev-parse", "--git-dir"]); // says why if it is no repository
  return git;
}

async function makeBareRepository(directory: string, branch: string): Promise<void> {
  const temporary = join(dirname(directory), `.${basename(directory)}.${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(dirname(directory), { recursive: true });
    // --initial-branch came with git 2.28; symbolic-ref does the same everywhere
    await gitOn(null).run(["init", "--quiet", "--bare", "--template=", temporary]);
    await gitOn(temporary).run(["symbolic-ref", "HEAD", `refs/heads/${branch}`]);
    await rename(temporary, directory);
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    if (existsSync(join(directory, "HEAD"))) return; // another process was faster
    if (cause instanceof ReleaseError) throw cause;
    throw new ReleaseError(
      "RepositoryUnusable",
      `cannot make the repository ${directory}: ${cause instanceof Error ? cause.message : String(cause)}`,
      "choose another place, or move away what is there",
      { cause },
    );
  }
}

/** The commit that a branch points to, or null. */
export async function branchTip(git: Git, branch: string): Promise<string | null> {
  const tip = (await git.run(["for-each-ref", "--format=%(objectname)", `refs/heads/${branch}`])).trim();
  return tip === "" ? null : tip;
}

/** Runs `work` with an index of its own; the repository's is never touched. */
async function withIndex<T>(work: (env: Readonly<Record<string, string>>) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "imgrel-index-"));
  try {
    return await work({ GIT_INDEX_FILE: join(folder, "index") });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Writes a commit: `parent` with `changes` on top. No branch moves; until one does, nobody sees it.
 * @returns the commit, or null if the changes leave the parent's content as it is
 * @throws ReleaseError SpecInvalid for a path that climbs out; RepositoryUnusable
 */
export async function writeCommit(
  git: Git,
  parent: string | null,
  changes: readonly FileChange[],
  message: string,
  author: Author,
): Promise<string | null> {
  // removals first: a file may take the place of a folder
  const removed = changes.filter(({ content }) => content === null && parent !== null);
  const lines = removed.map(({ path }) => `0 ${"0".repeat(parent?.length ?? 0)}\t${checkedPath(path)}\0`);
  for (const { path, content } of changes) {
    checkedPath(path);
    if (content === null) continue;
    const id = (await git.run(["hash-object", "-w", "--stdin"], { input: content })).trim();
    lines.push(`100644 ${id}\t${path}\0`);
  }
  const tree = await withIndex(async (env) => {
    if (parent !== null) await git.run(["read-tree", parent], { env });
    await git.run(["update-index", "-z", "--add", "--index-info"], { env, input: lines.join("") });
    return (await git.run(["write-tree"], { env })).trim();
  });
  if (parent !== null && tree === (await git.run(["rev-parse", `${parent}^{tree}`])).trim()) return null;
  const identity = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_COMMITTER_NAME: author.name,
    GIT_COMMITTER_EMAIL: author.email,
  };
  const parents = parent === null ? [] : ["-p", parent];
  return (await git.run(["commit-tree", ...parents, "-F", "-", tree], { env: identity, input: message })).trim();
}

/**
 * Moves a branch from one commit to another, or makes it where `from` is null: compare-and-swap.
 * @returns false if the branch points elsewhere by now, or another writer holds it right now
 * @throws ReleaseError RepositoryUnusable on anything else, such as a full disk
 */
export async function moveBranch(git: Git, branch: string, to: string, from: string | null): Promise<boolean> {
  const old = from ?? "0".repeat(to.length);
  try {
    await git.run(["update-ref", "-m", "imgrel", `refs/heads/${branch}`, to, old]);
    return true;
  } catch (error) {
    if ((await branchTip(git, branch)) !== from || heldByAnother(error)) return false;
    throw error;
  }
}

/** git makes `<ref>.lock` while it moves a ref; a second writer then finds it there (lockfile.c). */
const heldByAnother = (error: unknown): boolean =>
  error instanceof ReleaseError && error.cause instanceof Error && error.cause.message.includes(".lock': File exists");

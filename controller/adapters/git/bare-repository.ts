import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import { exitCodeOf, type Git, gitOn, saidBy } from "./git.ts";
import type { ObjectFormat } from "./object-id.ts";

/**
 * git on the bare repository in `directory`, an absolute path; makes it if there is none, with HEAD on `branch`. It is
 * made beside its place and moved there, so a crash or a second starter never leaves half a repository.
 * @param objectFormat asked if the repository has to be made
 * @throws ReleaseError RepositoryUnusable if something else is in its place or it cannot be made
 */
export async function openBareRepository(
  directory: string,
  branch: string,
  objectFormat: () => Promise<ObjectFormat> = async () => "sha1",
): Promise<Git> {
  if (!existsSync(join(directory, "HEAD"))) await makeBareRepository(directory, branch, await objectFormat());
  const git = gitOn(directory);
  await git.run(["rev-parse", "--git-dir"]); // says why if it is no repository
  return git;
}

async function makeBareRepository(directory: string, branch: string, format: ObjectFormat): Promise<void> {
  const temporary = join(dirname(directory), `.${basename(directory)}.${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(dirname(directory), { recursive: true });
    // --initial-branch came with git 2.28; symbolic-ref does the same everywhere
    await gitOn(null).run(["init", "--quiet", "--bare", `--object-format=${format}`, "--template=", temporary]);
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

/** The commit that a ref points to, or null. */
export async function refTip(git: Git, ref: string): Promise<string | null> {
  // a ref that is not there may be a folder of others, which git would list instead
  const listed = await git.run(["for-each-ref", "--format=%(refname) %(objectname)", ref]);
  const line = listed.split("\n").find((line) => line.startsWith(`${ref} `));
  return line === undefined ? null : line.slice(ref.length + 1);
}

/**
 * Whether a commit is `tip` or stands behind it, whatever dates they have.
 * @throws ReleaseError RepositoryUnusable, also if one of them is not there
 */
export async function isAncestor(git: Git, commit: string, tip: string): Promise<boolean> {
  try {
    await git.run(["merge-base", "--is-ancestor", commit, tip]);
    return true;
  } catch (error) {
    if (exitCodeOf(error) === 1) return false; // anything else is a fault: git-merge-base(1)
    throw error;
  }
}

/**
 * Moves a ref from one commit to another, or makes it where `from` is null: compare-and-swap.
 * @returns false if the ref points elsewhere by now, or another writer holds it right now
 * @throws ReleaseError RepositoryUnusable on anything else, such as a full disk
 */
export async function moveRef(git: Git, ref: string, to: string, from: string | null): Promise<boolean> {
  const old = from ?? "0".repeat(to.length);
  try {
    await git.run(["update-ref", "-m", "imgrel", ref, to, old]);
    return true;
  } catch (error) {
    if ((await refTip(git, ref)) !== from || heldByAnother(error)) return false;
    throw error;
  }
}

/** git makes `<ref>.lock` while it moves a ref; a second writer then finds it there (lockfile.c). */
const heldByAnother = (error: unknown): boolean => saidBy(error)?.includes(".lock': File exists") === true;

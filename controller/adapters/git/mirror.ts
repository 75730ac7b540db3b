import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import { isAncestor, moveRef, openBareRepository, refTip } from "./bare-repository.ts";
import type { Branch } from "./branch.ts";
import { type Git, gitOn } from "./git.ts";
import { objectFormatAt, type Remote, remoteAt } from "./remote.ts";
import type { RemoteAccess } from "./remote-access.ts";

/** A private copy of a remote repository's branches, which is read instead of it. */
export type Mirror = {
  readonly git: Git;
  readonly directory: string;
  readonly address: string;
  readonly remote: Remote;
  /** one after the other: two fetches of one ref would hinder each other */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>;
};

/** A file that makes git serve a folder of another owner (remote-access.ts), in a folder of our own. */
export async function writeTrustingConfig(folder: string): Promise<string> {
  const path = join(folder, "any-owner.gitconfig");
  await mkdir(folder, { recursive: true });
  await writeFile(path, "[safe]\n\tdirectory = *\n");
  return path;
}

/** git holds a lock on a ref for moments: an older one was left by a crash, and nobody but us knows the mirror. */
const STALE_MS = 10_000;

async function removeStaleLocks(directory: string): Promise<void> {
  const names = (await readdir(join(directory, "refs"), { recursive: true })).map((name) => join("refs", name));
  for (const name of [...names, "packed-refs.lock"].filter((name) => name.endsWith(".lock"))) {
    const path = join(directory, name);
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { force: true });
  }
}

function oneAtATime(): Mirror["alone"] {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => undefined);
    return result;
  };
}

/**
 * The mirror in `directory`, an absolute path, of the repository at `address`; made if there is none.
 * @throws ReleaseError as {@link Remote} if it has to be made; RepositoryUnusable
 */
export async function openMirror(directory: string, address: string, access: RemoteAccess): Promise<Mirror> {
  const git = await openBareRepository(directory, "mirror", () => objectFormatAt(gitOn(null), address, access));
  return { git, directory, address, remote: remoteAt(git, address, access), alone: oneAtATime() };
}

/**
 * A branch of the mirrored repository.
 * @param growsOnly whether nothing that was seen on it may ever be gone: then RecordInvalid is thrown where it is
 */
export function mirroredBranch(mirror: Mirror, name: string, growsOnly: boolean): Branch {
  const { git, remote, alone } = mirror;
  const label = `${name} of ${mirror.address}`;
  const [theirs, fetched, seen] = [`refs/heads/${name}`, `refs/imgrel/fetched/${name}`, `refs/imgrel/seen/${name}`];

  const lost = (last: string): ReleaseError =>
    new ReleaseError(
      "RecordInvalid",
      `${label} no longer holds ${last}, which was there before: its history was rewritten`,
      `have its owner put that commit back, which ${mirror.directory} still has; nothing is written until then`,
    );

  const remember = async (to: string, from: string | null): Promise<void> => {
    if (await moveRef(git, seen, to, from)) return;
    const remedy = "try again in half a minute, with no other process at work in the same state folder";
    throw new ReleaseError("RepositoryUnavailable", `${seen} of ${mirror.directory} is locked`, remedy);
  };

  const observe = async (): Promise<string | null> => {
    await removeStaleLocks(mirror.directory);
    const before = await refTip(git, seen);
    const now = await remote.list(theirs);
    if (now === before) return now;
    if (now === null) {
      if (growsOnly && before !== null) throw lost(before);
      await git.run(["update-ref", "-d", seen]);
      return null;
    }
    await remote.fetch(theirs, fetched);
    const tip = (await git.run(["rev-parse", "--verify", fetched])).trim();
    if (growsOnly && before !== null && !(await isAncestor(git, before, tip))) throw lost(before);
    await remember(tip, before);
    return tip;
  };

  /** how the branch was when it was looked at last, or moved by us */
  let last: { readonly tip: string | null; readonly at: number } | undefined;
  const saw = (tip: string | null): string | null => {
    last = { tip, at: performance.now() };
    return tip;
  };
  /** a look that has not begun: whoever asks meanwhile may have what it will see */
  let next: Promise<string | null> | undefined;

  return {
    git,
    label,
    tip: async (maxAge = 0) => {
      if (last !== undefined && performance.now() - last.at < maxAge) return last.tip;
      next ??= alone(async () => {
        next = undefined;
        return saw(await observe());
      });
      return next;
    },
    move: (to, from) =>
      alone(async () => {
        last = undefined;
        if (!(await remote.push(to, theirs))) return false;
        await remember(to, from);
        saw(to);
        return true;
      }),
    heldRemedy: "try again; if nobody else writes there, a crash left a lock: ask its owner to remove it",
  };
}

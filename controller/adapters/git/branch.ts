import { setTimeout as sleep } from "node:timers/promises";
import { ReleaseError } from "../../domain/errors.ts";
import type { CommitOutcome } from "../../ports/spec-repository.ts";
import { moveRef, refTip } from "./bare-repository.ts";
import type { Git } from "./git.ts";
import { type Committer, type NewCommit, treeOf, writeCommit } from "./write-commit.ts";

/** One branch, wherever it is. All that its commits hold is in the repository of `git`. */
export type Branch = {
  readonly git: Git;
  /** names it in messages */
  readonly label: string;
  /**
   * its last commit, or null; a remote one is fetched
   * @param maxAge how long ago, in ms, a remote branch may have been seen like that; 0, the default: it is looked at now
   */
  readonly tip: (maxAge?: number) => Promise<string | null>;
  /** Compare-and-swap: false if the branch is not at `from` by now, or another writer holds it. */
  readonly move: (to: string, from: string | null) => Promise<boolean>;
  /** what to do where a lock is held for ever */
  readonly heldRemedy: string;
};

/** A branch of the repository in `directory`. */
export function localBranch(git: Git, directory: string, name: string): Branch {
  const ref = `refs/heads/${name}`;
  return {
    git,
    label: `${name} of ${directory}`,
    tip: () => refTip(git, ref),
    move: (to, from) => moveRef(git, ref, to, from),
    heldRemedy: `try again; if no other git runs there, a crash left a lock: remove ${directory}/${ref}.lock`,
  };
}

/** Attempts of one commit before it gives up, and the pause before the n-th retry, in ms (release-api.md 1.3). */
const ATTEMPTS = 8;
const jittered = (retry: number): number => (50 + Math.random() * 150) * retry;

export type WriterOptions = {
  /** whose commits they are */
  readonly committer: Committer;
  /** pause before the n-th retry, in ms; the default is random, so that writers get out of each other's way */
  readonly pause?: (retry: number) => number;
  /** as Branch.tip: for what others hardly ever write, or where a commit tells that they did */
  readonly maxAge?: number;
  /** told how each commit's way onto its branch ended ("pushed", or the code of the fault), after how many attempts */
  readonly onPush?: (result: string, attempts: number) => void;
  /** told why packs could not be joined; what was to be committed is */
  readonly onUntidy?: (fault: ReleaseError) => void;
};

/**
 * Adds a commit to a branch: `compose` makes its tree and message from the tip and the tip's tree; null, or that
 * same tree, adds nothing. If another writer moved the branch meanwhile, `compose` is asked again about the new tip.
 * @throws ReleaseError PushConflict if other writers won every attempt; whatever `compose` throws
 */
export async function addCommit(
  branch: Branch,
  { committer, pause = jittered, maxAge = 0, onPush = () => undefined }: WriterOptions,
  compose: (tip: string | null, tree: string) => Promise<Omit<NewCommit, "parent"> | null>,
): Promise<CommitOutcome> {
  const { git } = branch;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await sleep(pause(attempt - 1));
    const tip = await branch.tip(attempt === 1 ? maxAge : 0);
    const tree = await treeOf(git, tip);
    const next = await compose(tip, tree);
    if (next === null || next.tree === tree) return { commit: tip, changed: false };
    const commit = await writeCommit(git, { ...next, parent: tip }, committer);
    const moved = await branch.move(commit, tip).catch((fault: unknown) => {
      onPush(fault instanceof ReleaseError ? fault.code : "Internal", attempt);
      throw fault;
    });
    if (!moved) continue;
    onPush("pushed", attempt);
    return { commit, changed: true };
  }
  onPush("PushConflict", ATTEMPTS);
  throw new ReleaseError(
    "PushConflict",
    `another writer held or moved ${branch.label} in all of ${ATTEMPTS} attempts`,
    branch.heldRemedy,
  );
}

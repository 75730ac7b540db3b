import { setTimeout as sleep } from "node:timers/promises";
import { ReleaseError } from "../../domain/errors.ts";
import type { CommitOutcome, Proposal, SpecTree } from "../../ports/spec-repository.ts";
import type { Git } from "./git.ts";
import { treeAt } from "./tree.ts";
import { type Committer, treeOf, writeCommit, writeTree } from "./write-commit.ts";

/** Where a branch is: in the repository that commits are written to, or in another that they are pushed to. */
export type BranchPlace = {
  /** for messages */
  readonly name: string;
  /** what to do if it can never be moved, for the message */
  readonly remedy: string;
  /** what the branch points to, its objects brought here; null: there is no such branch */
  readonly tip: () => Promise<string | null>;
  /**
   * Lets the branch point to a commit, if it still points to `from`.
   * @returns false if another writer was faster
   * @throws ReleaseError PushDeclined, RepositoryUnusable
   */
  readonly move: (to: string, from: string | null) => Promise<boolean>;
};

/** Attempts of one commit before it gives up, and the longest pause before the first retry (release-api.md 1.3). */
const ATTEMPTS = 8;
const PAUSE_MS = 200;

/** A branch that this process reads and writes. */
export type Branch = {
  readonly tip: () => Promise<SpecTree>;
  /** @see SpecRepository */
  readonly commit: (propose: (tip: SpecTree) => Promise<Proposal | null>) => Promise<CommitOutcome>;
};

export type BranchOptions = {
  /** the repository that commits are written to */
  readonly git: Git;
  readonly place: BranchPlace;
  readonly committer: Committer;
  /** pause before the n-th retry, in ms; the default is random, so that writers get out of each other's way */
  readonly pause?: (retry: number) => number;
};

/** A branch that is moved by compare-and-swap. */
export function openBranch({ git, place, committer, pause = defaultPause }: BranchOptions): Branch {
  const tip = async (): Promise<SpecTree> => treeAt(git, await place.tip());
  const commit = async (propose: (tip: SpecTree) => Promise<Proposal | null>): Promise<CommitOutcome> => {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      const base = await tip();
      const parent = base.commit;
      const proposal = await propose(base);
      if (proposal === null || proposal.changes.length === 0) return { commit: parent, changed: false };
      const tree = await writeTree(git, parent, proposal.changes);
      if (parent !== null && tree === (await treeOf(git, parent))) return { commit: parent, changed: false };
      const made = await writeCommit(git, { parent, tree, message: proposal.message }, committer);
      if (await place.move(made, parent)) return { commit: made, changed: true };
      await sleep(pause(attempt));
    }
    throw new ReleaseError(
      "PushConflict",
      `another writer held or moved ${place.name} in all of ${ATTEMPTS} attempts`,
      place.remedy,
    );
  };
  return { tip, commit };
}

const defaultPause = (retry: number): number => Math.random() * PAUSE_MS * retry;

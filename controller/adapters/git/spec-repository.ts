import { setTimeout as sleep } from "node:timers/promises";
import { ReleaseError } from "../../domain/errors.ts";
import type { SpecRepository } from "../../ports/spec-repository.ts";
import { type Author, branchTip, moveBranch, openBareRepository, writeCommit } from "./bare-repository.ts";
import { treeAt } from "./tree.ts";

/** Attempts of one commit before it gives up, and the longest pause before the first retry (release-api.md 1.3). */
const ATTEMPTS = 8;
const PAUSE_MS = 200;

export type SpecRepositoryOptions = {
  /** absolute path of the bare repository; made on first use */
  readonly directory: string;
  readonly branch: string;
  /** author and committer of what is committed */
  readonly author: Author;
  /** pause before the n-th retry, in ms; the default is random, so that writers get out of each other's way */
  readonly pause?: (retry: number) => number;
};

/**
 * A bare git repository as {@link SpecRepository}, written by plumbing: no work tree, no hook, no configuration of the
 * user.
 * @throws ReleaseError RepositoryUnusable, ToolMissing if there is no git
 */
export async function openSpecRepository(options: SpecRepositoryOptions): Promise<SpecRepository> {
  const { directory, branch, author, pause = (retry: number) => Math.random() * PAUSE_MS * retry } = options;
  const git = await openBareRepository(directory, branch);
  const tip = async () => treeAt(git, await branchTip(git, branch));
  return {
    tip,
    commit: async (propose) => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const base = await tip();
        const proposal = await propose(base);
        if (proposal === null || proposal.changes.length === 0) return { commit: base.commit, changed: false };
        const commit = await writeCommit(git, base.commit, proposal.changes, proposal.message, author);
        if (commit === null) return { commit: base.commit, changed: false };
        if (await moveBranch(git, branch, commit, base.commit)) return { commit, changed: true };
        await sleep(pause(attempt));
      }
      throw new ReleaseError(
        "PushConflict",
        `another writer held or moved ${branch} of ${directory} in all of ${ATTEMPTS} attempts`,
        `try again; if no other git runs there, a crash left a lock: remove ${directory}/refs/heads/${branch}.lock`,
      );
    },
  };
}

import { idempotencyTrailer, recordMessage } from "../../domain/record-commit.ts";
import { checkRecordChanges, recordPath } from "../../domain/record-rules.ts";
import type { RecordEntry, RecordRepository } from "../../ports/record-repository.ts";
import type { CommitOutcome } from "../../ports/spec-repository.ts";
import { openBareRepository } from "./bare-repository.ts";
import { openBranch } from "./branch.ts";
import type { Git } from "./git.ts";
import { localPlace, remotePlace } from "./places.ts";
import type { Committer } from "./write-commit.ts";

export type RecordRepositoryOptions = {
  /** absolute path of a bare repository, made on first use: the repository itself, or the mirror of `remote` */
  readonly directory: string;
  /** address of the repository that records are pushed to; left out: they stay in `directory` */
  readonly remote?: string;
  readonly branch: string;
  readonly committer: Committer;
  /** pause before the n-th retry, in ms */
  readonly pause?: (retry: number) => number;
};

/** The commit in the history of `tip` that made an effect already; null: there is none. */
async function madeIn(git: Git, tip: string | null, key: string): Promise<string | null> {
  if (tip === null) return null;
  const pattern = `--grep=^${idempotencyTrailer(key)}$`;
  const found = (await git.run(["log", "-1", "--format=%H", "--basic-regexp", pattern, tip, "--"])).trim();
  return found === "" ? null : found;
}

/**
 * The branch of records in a bare git repository, or in a remote one by way of a mirror.
 * @throws ReleaseError RepositoryUnusable, ToolMissing if there is no git
 */
export async function openRecordRepository(options: RecordRepositoryOptions): Promise<RecordRepository> {
  const { directory, remote, branch, committer, pause } = options;
  // HEAD of a new repository is the specs' branch: whoever clones it sees those
  const git = await openBareRepository(directory, "main");
  const place = remote === undefined ? localPlace(git, directory, branch) : remotePlace(git, remote, branch);
  const records = openBranch({ git, place, committer, ...(pause === undefined ? {} : { pause }) });
  const write = async ({ propose, ...entry }: RecordEntry): Promise<CommitOutcome> => {
    let made: string | null = null;
    const outcome = await records.commit(async (tip) => {
      made = await madeIn(git, tip.commit, entry.idempotencyKey);
      if (made !== null) return null;
      const changes = await propose(tip);
      checkRecordChanges(entry.release, await tip.readDirectory(recordPath(entry.release)), changes);
      return { changes, message: recordMessage([entry]) };
    });
    return made === null ? outcome : { commit: made, changed: false };
  };
  // writers of this process wait for each other: only other processes can be in the way
  let last: Promise<unknown> = Promise.resolve();
  return {
    tip: records.tip,
    record: (entry) => {
      const turn = last.then(() => write(entry));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

import { ReleaseError } from "../../domain/errors.ts";
import { idempotencyTrailer, recorded, recordMessage } from "../../domain/record-commit.ts";
import { checkRecordChanges, recordPath } from "../../domain/record-rules.ts";
import type { RecordEntry, RecordRepository } from "../../ports/record-repository.ts";
import type { CommitOutcome } from "../../ports/spec-repository.ts";
import { batchQueue } from "./batch-queue.ts";
import { addCommit, type Branch, type WriterOptions } from "./branch.ts";
import type { Git } from "./git.ts";
import { treeAt } from "./tree.ts";
import { writeTree } from "./write-commit.ts";

/** Entries of one commit, at most (release-api.md 1.3). */
const MAX_ENTRIES = 50;

type Result = PromiseSettledResult<CommitOutcome>;
const rejected = (reason: unknown): Result => ({ status: "rejected", reason });

/** The newest commit of a history that carries an entry's trailers, for each entry that has one. */
async function findCommits(
  git: Git,
  tip: string | null,
  entries: readonly RecordEntry[],
): Promise<ReadonlyMap<RecordEntry, string>> {
  if (tip === null) return new Map();
  const patterns = entries.map(({ idempotencyKey }) => `--grep=${idempotencyTrailer(idempotencyKey)}`);
  // a message that only quotes a trailer is found as well: what counts is what its trailers say
  const log = await git.run(["log", "-z", "--fixed-strings", ...patterns, "--format=%H%n%B", tip]);
  const commits = log.split("\0").map((text) => {
    const end = text.indexOf("\n");
    return { commit: text.slice(0, end), message: text.slice(end + 1) };
  });
  return new Map(
    entries.flatMap((entry) => {
      const found = commits.find(({ message }) => recorded(message, entry));
      return found === undefined ? [] : [[entry, found.commit] as const];
    }),
  );
}

/** The tree with an entry's files on top of `tree`. */
async function applyEntry(git: Git, tip: string | null, tree: string, entry: RecordEntry): Promise<string> {
  const view = treeAt(git, tip, tree);
  const changes = await entry.propose(view);
  checkRecordChanges(entry.release, await view.readDirectory(recordPath(entry.release)), changes);
  return writeTree(git, tree, changes);
}

/** A branch as {@link RecordRepository}: one writer, which commits all entries that wait at once. */
export function recordRepository(branch: Branch, options: WriterOptions): RecordRepository {
  const { git } = branch;

  const commitTogether = async (entries: readonly RecordEntry[]): Promise<Result[]> => {
    let faults = new Map<RecordEntry, unknown>();
    let found: ReadonlyMap<RecordEntry, string> = new Map();
    let added: RecordEntry[] = [];
    const outcome = await addCommit(branch, options, async (tip, before) => {
      found = await findCommits(git, tip, entries);
      faults = new Map();
      added = [];
      let tree = before;
      for (const entry of entries) {
        if (found.has(entry) || recorded(recordMessage(added), entry)) continue;
        try {
          const next = await applyEntry(git, tip, tree, entry);
          if (next !== tree) added.push(entry);
          tree = next;
        } catch (error) {
          faults.set(entry, error);
        }
      }
      return added.length === 0 ? null : { tree, message: recordMessage(added) };
    });
    return entries.map((entry): Result => {
      if (faults.has(entry)) return rejected(faults.get(entry));
      const earlier = found.get(entry);
      if (earlier !== undefined) return { status: "fulfilled", value: { commit: earlier, changed: false } };
      const changed = outcome.changed && added.includes(entry);
      return { status: "fulfilled", value: { commit: outcome.commit, changed } };
    });
  };

  /** What is declined may be so for one entry's sake: then the others must not suffer for it. */
  const commitAll = async (entries: readonly RecordEntry[]): Promise<Result[]> => {
    try {
      return await commitTogether(entries);
    } catch (error) {
      if (entries.length === 1 || !(error instanceof ReleaseError) || error.code !== "PushDeclined") throw error;
      const results: Result[] = [];
      for (const entry of entries) {
        results.push(...(await commitTogether([entry]).catch((reason: unknown) => [rejected(reason)])));
      }
      return results;
    }
  };

  return { tip: async () => treeAt(git, await branch.tip()), commit: batchQueue(MAX_ENTRIES, commitAll) };
}

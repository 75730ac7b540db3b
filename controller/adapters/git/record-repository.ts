import { ReleaseError } from "../../domain/errors.ts";
import { recorded, recordMessage } from "../../domain/record-commit.ts";
import { checkRecordChanges, recordPath } from "../../domain/record-rules.ts";
import { changesFile, type FileChange } from "../../domain/spec-files.ts";
import type { RecordEntry, RecordRepository, RecordTree } from "../../ports/record-repository.ts";
import type { CommitOutcome } from "../../ports/spec-repository.ts";
import { batchQueue } from "./batch-queue.ts";
import { addCommit, type Branch, type WriterOptions } from "./branch.ts";
import { changedTree } from "./changed-tree.ts";
import { recordedEffects } from "./recorded-effects.ts";
import { tidier } from "./tidy.ts";
import { treeAt } from "./tree.ts";
import { writeTree } from "./write-commit.ts";

/** Entries of one commit, at most (release-api.md 1.3). */
const MAX_ENTRIES = 50;

type Result = PromiseSettledResult<CommitOutcome>;
const rejected = (reason: unknown): Result => ({ status: "rejected", reason });

/** What an entry changes in a tree: files that it has already, and the removal of those that it lacks, are no change. */
async function changesOf({ release, propose }: RecordEntry, tree: RecordTree): Promise<FileChange[]> {
  const proposed = await propose(tree);
  const folder = `${recordPath(release)}/`;
  const record = await tree.readDirectory(recordPath(release));
  checkRecordChanges(release, record, proposed);
  const changes: FileChange[] = [];
  for (const change of proposed) {
    const { path, content } = change;
    const before = path.startsWith(folder)
      ? (record.get(path.slice(folder.length)) ?? null)
      : await tree.readFile(path);
    if (changesFile(before, content)) changes.push(change);
  }
  return changes;
}

/** A branch as {@link RecordRepository}: one writer, which commits all entries that wait at once. */
export function recordRepository(branch: Branch, options: WriterOptions): RecordRepository {
  const { git } = branch;
  const effects = recordedEffects(git);
  const tidy = tidier(git, options.onUntidy ?? (() => undefined));

  const commitTogether = async (entries: readonly RecordEntry[]): Promise<Result[]> => {
    let faults = new Map<RecordEntry, unknown>();
    let found = new Map<RecordEntry, string>();
    let added: RecordEntry[] = [];
    let parent: string | null = null;
    const outcome = await addCommit(branch, options, async (tip, before) => {
      const commitOf = await effects.upTo(tip);
      parent = tip;
      found = new Map();
      faults = new Map();
      added = [];
      // each sees the files of those before it; all are written at once
      const changes = new Map<string, FileChange["content"]>();
      const view = changedTree(treeAt(git, tip), changes);
      for (const entry of entries) {
        if (recorded(recordMessage(added), entry)) continue;
        try {
          const earlier = commitOf(entry);
          // a record that somebody took away is there no more, whatever a commit says
          if (earlier !== undefined && (await view.readDirectory(recordPath(entry.release))).size > 0) {
            found.set(entry, earlier);
            continue;
          }
          const own = await changesOf(entry, view);
          if (own.length > 0) added.push(entry);
          for (const { path, content } of own) changes.set(path, content);
        } catch (error) {
          faults.set(entry, error);
        }
      }
      if (added.length === 0) return null;
      const all = [...changes].map(([path, content]) => ({ path, content }));
      return { tree: await writeTree(git, before, all), message: recordMessage(added) };
    });
    if (outcome.changed && outcome.commit !== null) {
      effects.add(outcome.commit, parent, recordMessage(added));
      await tidy();
    }
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

  return { tip: async () => treeAt(git, await branch.tip(options.maxAge)), commit: batchQueue(MAX_ENTRIES, commitAll) };
}

import { recorded, recordMessage } from "../../controller/domain/record-commit.ts";
import { checkRecordChanges, recordPath } from "../../controller/domain/record-rules.ts";
import type { RecordRepository } from "../../controller/ports/record-repository.ts";
import { applyChanges, type Commit, type FakeBranch, fakeBranch, treeOf } from "./commit-history.ts";

/** Records in memory with the rules of the real ones, and a look at their log. Each entry has a commit of its own. */
export function fakeRecordRepository(branch = fakeBranch()): RecordRepository & Pick<FakeBranch, "log"> {
  let last: Promise<unknown> = Promise.resolve();
  const commit: RecordRepository["commit"] = async (entry) => {
    let earlier: Commit | undefined;
    const outcome = await branch.add(async (history) => {
      const tree = treeOf(history);
      const record = await tree.readDirectory(recordPath(entry.release));
      earlier = record.size === 0 ? undefined : history.findLast(({ message }) => recorded(message, entry));
      if (earlier !== undefined) return null;
      const changes = await entry.propose(tree);
      checkRecordChanges(entry.release, record, changes);
      const files = applyChanges(history.at(-1)?.files ?? new Map(), changes);
      return { files, message: recordMessage([entry]) };
    });
    return earlier === undefined ? outcome : { commit: earlier.id, changed: false };
  };
  return {
    log: branch.log,
    tip: async () => treeOf(branch.log()),
    commit: (entry) => {
      const result = last.then(() => commit(entry));
      last = result.catch(() => undefined);
      return result;
    },
  };
}

import type { SpecRepository } from "../../controller/ports/spec-repository.ts";
import { applyChanges, type FakeBranch, fakeBranch, treeOf } from "./commit-history.ts";

/** A repository in memory with the rules of the real one, and a look at its log. */
export function fakeSpecRepository(branch = fakeBranch()): SpecRepository & Pick<FakeBranch, "log"> {
  return {
    log: branch.log,
    tip: async () => treeOf(branch.log()),
    commit: (propose) =>
      branch.add(async (history) => {
        const proposal = await propose(treeOf(history));
        if (proposal === null) return null;
        const files = applyChanges(history.at(-1)?.files ?? new Map(), proposal.changes);
        return { files, message: proposal.message };
      }),
  };
}

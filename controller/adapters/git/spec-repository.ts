import type { SpecRepository } from "../../ports/spec-repository.ts";
import { addCommit, type Branch, type WriterOptions } from "./branch.ts";
import { treeAt } from "./tree.ts";
import { writeTree } from "./write-commit.ts";

/** A branch as {@link SpecRepository}, written by plumbing: no work tree, no hook, no configuration of the user. */
export function specRepository(branch: Branch, options: WriterOptions): SpecRepository {
  const { git } = branch;
  return {
    tip: async () => treeAt(git, await branch.tip()),
    commit: (propose) =>
      addCommit(branch, options, async (tip, tree) => {
        const proposal = await propose(treeAt(git, tip));
        if (proposal === null) return null;
        return { tree: await writeTree(git, tree, proposal.changes), message: proposal.message };
      }),
  };
}

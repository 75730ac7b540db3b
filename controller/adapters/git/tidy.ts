import { ReleaseError } from "../../domain/errors.ts";
import type { Git } from "./git.ts";

/** Packs that a repository may have before they are joined; git itself would rewrite everything past 50 (gc.autoPackLimit). */
const PACKS = 32;

/**
 * Joins the packs of a repository that is written to again and again: each commit of records leaves one. Each is joined
 * with others of its size, so nothing is rewritten more often than its size doubles (git-repack(1), --geometric).
 * @param onFault told why that failed: another git may be at work there, and nothing depends on it
 * @returns to be called after each commit: it looks after the first and after every 32nd
 */
export function tidier(git: Git, onFault: (fault: ReleaseError) => void): () => Promise<void> {
  let commits = 0;
  return async () => {
    const due = commits % PACKS === 0;
    commits += 1;
    if (!due) return;
    try {
      const counted = await git.run(["count-objects", "-v"]);
      const packs = Number(/^packs: (\d+)$/m.exec(counted)?.[1]);
      if (packs <= PACKS) return;
      await git.run(["repack", "--geometric=2", "-d", "--quiet"], { config: ["repack.writeBitmaps=false"] });
    } catch (fault) {
      if (!(fault instanceof ReleaseError)) throw fault;
      onFault(fault);
    }
  };
}

import type { Git } from "./git.ts";

/** Packs that a repository may have before they are joined; git itself would rewrite everything past 50 (gc.autoPackLimit). */
const PACKS = 32;

/**
 * Joins the packs of a repository that is written to again and again: each commit of records leaves one. Each is joined
 * with others of its size, so nothing is rewritten more often than its size doubles (git-repack(1), --geometric).
 * @returns to be called before each commit: it looks at the first and at every 32nd
 * @throws ReleaseError RepositoryUnusable, DiskFull
 */
export function tidier(git: Git): () => Promise<void> {
  let commits = 0;
  return async () => {
    const due = commits % PACKS === 0;
    commits += 1;
    if (!due) return;
    const counted = await git.run(["count-objects", "-v"]);
    const packs = Number(/^packs: (\d+)$/m.exec(counted)?.[1]);
    if (packs > PACKS)
      await git.run(["repack", "--geometric=2", "-d", "--quiet"], { config: ["repack.writeBitmaps=false"] });
  };
}

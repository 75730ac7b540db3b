import { damaged, type GitObject } from "./cat-file.ts";

/** What stands at the looked-for path in a commit, mode and id; null: nothing does. */
export type EntryIn = (commit: string) => Promise<string | null>;

/** How many commits are looked at here, before git is asked: what is looked for has mostly changed a moment ago. */
const STEPS = 8;

/** The parents of a commit, in order (gitformat-commit: one header line each). */
function parentsOf({ id, type, content }: GitObject): string[] {
  if (type !== "commit") throw damaged(`${id} is a ${type} where a commit belongs`);
  const [headers = ""] = Buffer.from(content).toString("latin1").split("\n\n", 1);
  return [...headers.matchAll(/^parent ([0-9a-f]+)$/gm)].map(([, parent = ""]) => parent);
}

/**
 * The last commit that changed a path, at `tip` or behind it, as `git rev-list -1` gives it: a merge that took the path
 * from one of its parents leads to that parent (git-rev-list(1), "History Simplification").
 * @param askGit the same of a commit, for what was changed long ago
 */
export async function lastChange(
  { commitOf, entryIn }: { readonly commitOf: (id: string) => Promise<GitObject>; readonly entryIn: EntryIn },
  tip: string,
  askGit: (from: string) => Promise<string | null>,
): Promise<string | null> {
  const entry = await entryIn(tip);
  let at = tip;
  for (let step = 0; step < STEPS; step += 1) {
    const parents = parentsOf(await commitOf(at));
    if (parents.length === 0) return entry === null ? null : at;
    let same: string | undefined;
    for (const parent of parents) {
      if ((await entryIn(parent)) !== entry) continue;
      same = parent;
      break;
    }
    if (same === undefined) return at;
    at = same;
  }
  return askGit(at);
}

import { damaged, type GitObject } from "./cat-file.ts";

/** What stands at the looked-for path in a commit, mode and id; null: nothing does. */
export type EntryIn = (commit: string) => Promise<string | null>;

/** How many commits are looked at here, before git is asked: what is looked for has mostly changed a moment ago. */
const STEPS = 8;

/** The parents of a commit, in order: the lines after its tree (git's commit.c, parse_commit_buffer). */
function parentsOf({ id, type, content }: GitObject): string[] {
  if (type !== "commit") throw damaged(`${id} is a ${type} where a commit belongs`);
  const [, lines = ""] =
    /^tree [0-9a-f]+\n((?:parent [0-9a-f]+\n)*)/.exec(Buffer.from(content).toString("latin1")) ?? [];
  return [...lines.matchAll(/ ([0-9a-f]+)\n/g)].map(([, parent = ""]) => parent);
}

/**
 * The last commit that changed a path, at `tip` or behind it, as `git rev-list -1` gives it: a merge that took the path
 * from one of its parents leads to that parent (git-rev-list(1), "History Simplification").
 * @param commitOf null: it is not there
 * @param askGit the same of a commit, for what was changed long ago
 */
export async function lastChange(
  { commitOf, entryIn }: { readonly commitOf: (id: string) => Promise<GitObject | null>; readonly entryIn: EntryIn },
  tip: string,
  askGit: (from: string) => Promise<string | null>,
): Promise<string | null> {
  const entry = await entryIn(tip);
  let at = tip;
  for (let step = 0; step < STEPS; step += 1) {
    const commit = await commitOf(at);
    const parents = commit === null ? [] : parentsOf(commit);
    // a shallow clone ends before its history does, and git knows where
    if (commit === null || (await Promise.all(parents.map(commitOf))).includes(null)) return askGit(at);
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

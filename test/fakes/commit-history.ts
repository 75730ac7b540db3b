import { createHash } from "node:crypto";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { checkedPath, type FileChange, sameBytes, type SpecFiles } from "../../controller/domain/spec-files.ts";
import type { CommitOutcome, SpecTree } from "../../controller/ports/spec-repository.ts";

export type Commit = { readonly id: string; readonly message: string; readonly files: SpecFiles };

const ATTEMPTS = 8;

const below = (files: SpecFiles, directory: string): SpecFiles =>
  new Map(
    [...files].flatMap(([path, content]) =>
      path.startsWith(`${directory}/`) ? [[path.slice(directory.length + 1), content] as const] : [],
    ),
  );

const sameFiles = (a: SpecFiles, b: SpecFiles): boolean =>
  a.size === b.size &&
  [...a].every(([path, content]) => {
    const other = b.get(path);
    return other !== undefined && sameBytes(content, other);
  });

/** What stands at a path, as files below it; a file itself is the entry "". */
const at = (files: SpecFiles, path: string): SpecFiles => {
  const file = files.get(path);
  return file === undefined ? below(files, path) : new Map([["", file]]);
};

/** Names a content. */
function idOf(files: SpecFiles): string {
  const hash = createHash("sha1");
  for (const [path, content] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${path} ${content.byteLength}\n`).update(content);
  }
  return hash.digest("hex");
}

/** {@link SpecTree} of the last commit. */
export function treeOf(history: readonly Commit[]): SpecTree {
  const last = history.at(-1);
  const files: SpecFiles = last?.files ?? new Map();
  const before = (index: number): SpecFiles => history[index - 1]?.files ?? new Map();
  return {
    commit: last?.id ?? null,
    readFile: async (path) => files.get(checkedPath(path)) ?? null,
    list: async (directory) => {
      const names = [...below(files, checkedPath(directory)).keys()].map((path) => path.split("/"));
      const kinds = new Map(
        names.map(([name = "", ...rest]) => [name, rest.length > 0 ? "directory" : "file"] as const),
      );
      const entries = [...kinds].map(([name, kind]) => ({ name, kind, id: idOf(at(files, `${directory}/${name}`)) }));
      return entries.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    readDirectory: async (directory) => below(files, checkedPath(directory)),
    idOf: async (path) => {
      const found = at(files, checkedPath(path));
      return found.size === 0 ? null : idOf(found);
    },
    lastCommitOf: async (path) => {
      checkedPath(path);
      return (
        history.findLast((commit, index) => !sameFiles(at(commit.files, path), at(before(index), path)))?.id ?? null
      );
    },
    everHeld: async (path, content) => {
      checkedPath(path);
      const wanted: SpecFiles = content instanceof Uint8Array ? new Map([["", content]]) : content;
      return wanted.size > 0 && history.some((commit) => sameFiles(at(commit.files, path), wanted));
    },
    everyContentOf: async (path) => {
      checkedPath(path);
      const contents = history.flatMap((commit) => commit.files.get(path) ?? []);
      return contents.filter((content, index) => contents.findIndex((other) => sameBytes(content, other)) === index);
    },
  };
}

/** The files after some changes. */
export function applyChanges(files: SpecFiles, changes: readonly FileChange[]): SpecFiles {
  const next = new Map(files);
  for (const { path, content } of changes) {
    checkedPath(path);
    next.delete(path);
    if (content !== null) next.set(path, typeof content === "string" ? new TextEncoder().encode(content) : content);
  }
  return next;
}

/** One branch in memory, with the rules of a real one. */
export type FakeBranch = {
  /** its commits, oldest first */
  readonly log: () => readonly Commit[];
  /** Adds a commit as the adapters do: `compose` makes its files from the history; null, or the same files, adds nothing. */
  readonly add: (
    compose: (history: readonly Commit[]) => Promise<{ readonly files: SpecFiles; readonly message: string } | null>,
  ) => Promise<CommitOutcome>;
};

export function fakeBranch(): FakeBranch {
  let history: readonly Commit[] = [];
  return {
    log: () => history,
    add: async (compose) => {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
        const base = history;
        const tip = base.at(-1)?.id ?? null;
        const next = await compose(base);
        if (next === null || sameFiles(base.at(-1)?.files ?? new Map(), next.files))
          return { commit: tip, changed: false };
        if (history !== base) continue;
        const id = createHash("sha1").update(`${tip}${base.length}${next.message}`).digest("hex");
        history = [...base, { id, ...next }];
        return { commit: id, changed: true };
      }
      throw new ReleaseError("PushConflict", "another writer won every attempt", "try again");
    },
  };
}

import type { SpecEntry, SpecTree } from "../../ports/spec-repository.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { checkedPath } from "../../domain/spec-files.ts";
import { parseBatch, parseBatchCheck } from "./cat-file.ts";
import type { Git } from "./git.ts";
import { blobId, type ObjectFormat, treeId } from "./object-id.ts";

type TreeEntry = { readonly kind: SpecEntry["kind"]; readonly id: string; readonly path: string };

const LISTED = /^([0-7]{6}) [a-z]+ ([0-9a-f]+)\t(.+)$/s;
const FILE_MODES: readonly string[] = ["100644", "100755"];

/** Entries of `git ls-tree -z`. A symbolic link or a submodule could point anywhere: neither belongs to a spec. */
function parseListing(output: string): TreeEntry[] {
  return output
    .split("\0")
    .filter((line) => line !== "")
    .map((line) => {
      const [, mode = "", id = "", path = ""] = LISTED.exec(line) ?? [];
      checkedPath(path);
      if (mode === "040000") return { kind: "directory", id, path };
      if (FILE_MODES.includes(mode)) return { kind: "file", id, path };
      throw new ReleaseError(
        "SpecInvalid",
        `${path} is neither a file nor a folder (mode ${mode})`,
        "commit the file itself instead of a symbolic link or a submodule",
      );
    });
}

/**
 * {@link SpecTree} of one commit in a git repository; null for a repository without a commit.
 * @param root the tree whose files it shows, if not the commit's own: one that is about to become a commit on top
 */
export function treeAt(git: Git, commit: string | null, root = commit): SpecTree {
  const list = async (options: readonly string[], path: string): Promise<TreeEntry[]> =>
    root === null ? [] : parseListing(await git.run(["ls-tree", "-z", ...options, root, "--", path]));

  const contents = async (ids: readonly string[]): Promise<Map<string, Uint8Array>> => {
    if (ids.length === 0) return new Map();
    const objects = parseBatch(await git.catFile(["--batch"], ids.map((id) => `${id}\n`).join("")));
    return new Map(objects.map(({ id, content }) => [id, content]));
  };

  /** Each object that stood at a path. A value of it that any commit had appears in one of these commits. */
  const objectsEverAt = async (path: string): Promise<{ readonly id: string; readonly type: string }[]> => {
    if (commit === null) return [];
    const commits = await git.run(["rev-list", "--full-history", commit, "--", checkedPath(path)]);
    if (commits === "") return [];
    const names = commits.replaceAll("\n", `:${path}\n`);
    const objects = parseBatchCheck((await git.catFile(["--batch-check"], names)).toString("utf8"));
    return [...new Map(objects.map((object) => [object.id, object])).values()];
  };

  const objectFormat = async (): Promise<ObjectFormat> =>
    (await git.run(["rev-parse", "--show-object-format"])).trim() === "sha256" ? "sha256" : "sha1";

  return {
    commit,
    readFile: async (path) => {
      const entry = (await list([], checkedPath(path))).find(({ kind }) => kind === "file");
      return entry === undefined ? null : ((await contents([entry.id])).get(entry.id) ?? null);
    },
    list: async (directory) =>
      (await list([], `${checkedPath(directory)}/`))
        .map(({ kind, id, path }) => ({ kind, id, name: path.slice(directory.length + 1) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    readDirectory: async (directory) => {
      const entries = await list(["-r"], `${checkedPath(directory)}/`);
      const found = await contents([...new Set(entries.map(({ id }) => id))]);
      return new Map(
        entries.flatMap(({ id, path }) => {
          const content = found.get(id);
          return content === undefined ? [] : [[path.slice(directory.length + 1), content] as const];
        }),
      );
    },
    lastCommitOf: async (path) => {
      if (commit === null) return null;
      const last = (await git.run(["rev-list", "-1", commit, "--", checkedPath(path)])).trim();
      return last === "" ? null : last;
    },
    everHeld: async (path, content) => {
      const objects = await objectsEverAt(path);
      if (objects.length === 0) return false;
      const format = await objectFormat();
      const id = content instanceof Uint8Array ? blobId(format, content) : treeId(format, content);
      return objects.some((object) => object.id === id);
    },
    everyContentOf: async (path) => {
      const blobs = (await objectsEverAt(path)).filter(({ type }) => type === "blob");
      return [...(await contents(blobs.map(({ id }) => id))).values()];
    },
  };
}

/** The tree of a commit that stands behind `tip`, or is it; null if it does not. */
export async function treeInHistory(git: Git, tip: string | null, commit: string): Promise<SpecTree | null> {
  if (tip === null) return null;
  // merge-base --is-ancestor also fails for a commit that is not there; the list of all ancestors cannot
  const ancestors = await git.run(["rev-list", tip]);
  return ancestors.split("\n").includes(commit) ? treeAt(git, commit) : null;
}

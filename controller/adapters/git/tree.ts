import type { SpecEntry, SpecTree } from "../../ports/spec-repository.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { checkedPath } from "../../domain/spec-files.ts";
import { isAncestor } from "./bare-repository.ts";
import { damaged, type GitObject, parseBatchCheck } from "./cat-file.ts";
import type { Git } from "./git.ts";
import { lastChange } from "./last-change.ts";
import { blobId, type ObjectFormat, treeId } from "./object-id.ts";
import { entryNamed, type TreeEntry, treeEntries } from "./tree-object.ts";

const FOLDER = "40000";
const FILE_MODES: readonly string[] = ["100644", "100755"];

/** What an entry at `path` is. A symbolic link or a submodule could point anywhere: neither belongs to a spec. */
function kindOf({ mode }: TreeEntry, path: string): SpecEntry["kind"] {
  checkedPath(path);
  if (mode === FOLDER) return "directory";
  if (FILE_MODES.includes(mode)) return "file";
  throw new ReleaseError(
    "SpecInvalid",
    `${path} is neither a file nor a folder (mode ${mode})`,
    "commit the file itself instead of a symbolic link or a submodule",
  );
}

/**
 * {@link SpecTree} of one commit in a git repository; null for a repository without a commit.
 * @param root the tree whose files it shows, if not the commit's own: one that is about to become a commit on top
 */
export function treeAt(git: Git, commit: string | null, root = commit): SpecTree {
  const objects = async (ids: readonly string[]): Promise<GitObject[]> => {
    const found = await git.read(ids);
    return ids.map((id, index) => {
      const object = found[index] ?? null;
      if (object === null) throw damaged(`the object ${id} is missing`);
      return object;
    });
  };

  /**
   * The tree of a folder, the root's for ""; null if there is no such folder. Only ids are asked for: of `<commit>:<path>`
   * git would take some paths for other names of objects.
   */
  const folderAt = async (directory: string, of = root): Promise<GitObject | null> => {
    if (of === null) return null;
    let [tree] = await objects([`${of}^{tree}`]);
    for (const segment of directory === "" ? [] : directory.split("/")) {
      if (tree === undefined) return null;
      const entry = entryNamed(tree, segment);
      if (entry?.mode !== FOLDER) return null;
      [tree] = await objects([entry.id]);
    }
    return tree ?? null;
  };
  /** What stands at a path, in the folder that holds it; undefined: nothing does. */
  const entryAt = async (path: string, of = root): Promise<TreeEntry | undefined> => {
    const slash = path.lastIndexOf("/");
    const folder = await folderAt(path.slice(0, Math.max(slash, 0)), of);
    return folder === null ? undefined : entryNamed(folder, path.slice(slash + 1));
  };
  const entriesOf = async (directory: string): Promise<TreeEntry[]> => {
    const tree = await folderAt(directory);
    return tree === null ? [] : treeEntries(tree);
  };

  /** All files below these entries, by path. */
  const filesBelow = async (
    entries: readonly TreeEntry[],
    below: string,
    prefix = "",
  ): Promise<(readonly [path: string, id: string])[]> => {
    const known = entries.map((entry) => ({ ...entry, kind: kindOf(entry, `${below}/${prefix}${entry.name}`) }));
    const folders = known.filter(({ kind }) => kind === "directory");
    const trees = await objects(folders.map(({ id }) => id));
    const deeper = trees.map((tree, index) =>
      filesBelow(treeEntries(tree), below, `${prefix}${folders[index]?.name}/`),
    );
    const files = known.filter(({ kind }) => kind === "file");
    return [...files.map(({ name, id }) => [`${prefix}${name}`, id] as const), ...(await Promise.all(deeper)).flat()];
  };

  /** Each object that stood at a path. A value of it that any commit had appears in one of these commits. */
  const objectsEverAt = async (
    path: string,
    kind: SpecEntry["kind"],
  ): Promise<{ readonly id: string; readonly type: string }[]> => {
    if (commit === null) return [];
    const commits = await git.run(["rev-list", "--full-history", commit, "--", checkedPath(path)]);
    if (commits === "") return [];
    // so no name of a folder is taken for a revision
    const names = commits.replaceAll("\n", `:${path}${kind === "directory" ? "/" : ""}\n`);
    const objects = parseBatchCheck((await git.catFile(["--batch-check"], names)).toString("utf8"));
    return [...new Map(objects.map((object) => [object.id, object])).values()];
  };

  const objectFormat = async (): Promise<ObjectFormat> =>
    (await git.run(["rev-parse", "--show-object-format"])).trim() === "sha256" ? "sha256" : "sha1";

  return {
    commit,
    readFile: async (path) => {
      const entry = await entryAt(checkedPath(path));
      if (entry === undefined || kindOf(entry, path) !== "file") return null;
      const [object] = await objects([entry.id]);
      return object?.content ?? null;
    },
    list: async (directory) =>
      (await entriesOf(checkedPath(directory)))
        .map((entry) => ({ kind: kindOf(entry, `${directory}/${entry.name}`), id: entry.id, name: entry.name }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    readDirectory: async (directory) => {
      const files = await filesBelow(await entriesOf(checkedPath(directory)), directory);
      const found = await objects(files.map(([, id]) => id));
      return new Map(files.map(([path], index) => [path, found[index]?.content ?? new Uint8Array()]));
    },
    idOf: async (path) => (await entryAt(checkedPath(path)))?.id ?? null,
    lastCommitOf: async (path) => {
      checkedPath(path);
      if (commit === null) return null;
      const entryIn = async (of: string) => {
        const entry = await entryAt(path, of);
        return entry === undefined ? null : `${entry.mode} ${entry.id}`;
      };
      const commitOf = async (id: string) => (await git.read([id]))[0] ?? null;
      return lastChange({ commitOf, entryIn }, commit, async (from) => {
        const last = (await git.run(["rev-list", "-1", from, "--", path])).trim();
        return last === "" ? null : last;
      });
    },
    everHeld: async (path, content) => {
      const objects = await objectsEverAt(path, content instanceof Uint8Array ? "file" : "directory");
      if (objects.length === 0) return false;
      const format = await objectFormat();
      const id = content instanceof Uint8Array ? blobId(format, content) : treeId(format, content);
      return objects.some((object) => object.id === id);
    },
    everyContentOf: async (path) => {
      const blobs = (await objectsEverAt(path, "file")).filter(({ type }) => type === "blob");
      return (await objects(blobs.map(({ id }) => id))).map(({ content }) => content);
    },
  };
}

/** Asks for the tree of a commit that stands behind `tip`, or is it; null if it does not. Remembers the last tip's. */
export function treesInHistory(git: Git): (tip: string | null, commit: string) => Promise<SpecTree | null> {
  let last: { readonly tip: string; readonly holds: Map<string, boolean> } | undefined;
  const holds = async (tip: string, commit: string): Promise<boolean> => {
    const [found] = await git.read([commit]);
    if (found?.type !== "commit" || found.id !== commit) return false;
    return isAncestor(git, commit, tip);
  };
  return async (tip, commit) => {
    if (tip === null) return null;
    if (last?.tip !== tip) last = { tip, holds: new Map() };
    const known = last.holds;
    const held = known.get(commit) ?? (await holds(tip, commit));
    known.set(commit, held);
    return held ? treeAt(git, commit) : null;
  };
}

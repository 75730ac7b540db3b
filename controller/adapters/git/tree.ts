import type { SpecEntry, SpecTree } from "../../ports/spec-repository.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { checkedPath } from "../../domain/spec-files.ts";
import { type GitObject, parseBatchCheck } from "./cat-file.ts";
import type { Git } from "./git.ts";
import { blobId, type ObjectFormat, treeId } from "./object-id.ts";

type TreeEntry = { readonly mode: string; readonly id: string; readonly name: string };

/** Entries of a tree: `<mode> <name>\0<raw id>` each (Pro Git, "Git Internals - Git Objects"). */
function parseTree({ id, content }: GitObject): TreeEntry[] {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const idBytes = id.length / 2;
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const [space, end] = [bytes.indexOf(" ", at), bytes.indexOf(0, at)];
    entries.push({
      mode: bytes.toString("latin1", at, space),
      name: bytes.toString("utf8", space + 1, end),
      id: bytes.toString("hex", end + 1, end + 1 + idBytes),
    });
    at = end + 1 + idBytes;
  }
  return entries;
}

const FILE_MODES: readonly string[] = ["100644", "100755"];

/** What an entry at `path` is. A symbolic link or a submodule could point anywhere: neither belongs to a spec. */
function kindOf({ mode }: TreeEntry, path: string): SpecEntry["kind"] {
  checkedPath(path);
  if (mode === "40000") return "directory";
  if (FILE_MODES.includes(mode)) return "file";
  throw new ReleaseError(
    "SpecInvalid",
    `${path} is neither a file nor a folder (mode ${mode})`,
    "commit the file itself instead of a symbolic link or a submodule",
  );
}

const absent = (id: string): ReleaseError =>
  new ReleaseError("RepositoryUnusable", `the object ${id} is missing`, "check the repository with git fsck");

/**
 * {@link SpecTree} of one commit in a git repository; null for a repository without a commit.
 * @param root the tree whose files it shows, if not the commit's own: one that is about to become a commit on top
 */
export function treeAt(git: Git, commit: string | null, root = commit): SpecTree {
  /** Entries of a folder, the root's for ""; none if there is no such folder. */
  const entriesOf = async (directory: string): Promise<TreeEntry[]> => {
    if (root === null) return [];
    const [found] = await git.read([directory === "" ? `${root}^{tree}` : `${root}:${directory}`]);
    return found?.type === "tree" ? parseTree(found) : [];
  };

  const objects = async (ids: readonly string[]): Promise<GitObject[]> => {
    const found = await git.read(ids);
    return ids.map((id, index) => {
      const object = found[index] ?? null;
      if (object === null) throw absent(id);
      return object;
    });
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
    const deeper = trees.map((tree, index) => filesBelow(parseTree(tree), below, `${prefix}${folders[index]?.name}/`));
    const files = known.filter(({ kind }) => kind === "file");
    return [...files.map(({ name, id }) => [`${prefix}${name}`, id] as const), ...(await Promise.all(deeper)).flat()];
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
      const slash = checkedPath(path).lastIndexOf("/");
      const entries = await entriesOf(path.slice(0, Math.max(slash, 0)));
      const entry = entries.find(({ name }) => name === path.slice(slash + 1));
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
    return (await git.run(["rev-list", "-1", commit, "--not", tip])) === "";
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

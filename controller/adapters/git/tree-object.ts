import { damaged, type GitObject } from "./cat-file.ts";

/** `mode`: 40000 is a folder. */
export type TreeEntry = { readonly mode: string; readonly id: string; readonly name: string };

/** Where an entry stands in a tree's bytes: `<mode> <name>\0<raw id>`. */
type Span = { readonly at: number; readonly space: number; readonly end: number; readonly next: number };

/** Where a byte stands next; past the end if it does not. A loop: most names are too short for a search by native code. */
function placeOf(byte: number, bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== byte) at += 1;
  return at;
}

/** The entry that begins at `at`. Nobody else checks a tree: git gives whatever bytes it has under the id. */
function spanAt({ id }: GitObject, bytes: Buffer, at: number): Span {
  const end = placeOf(0, bytes, at);
  const space = placeOf(32, bytes, at);
  const next = end + 1 + id.length / 2;
  if (space > end || next > bytes.length) throw damaged(`the tree ${id} is malformed`);
  return { at, space, end, next };
}

function bytesOf({ id, type, content }: GitObject): Buffer {
  if (type !== "tree") throw damaged(`${id} is a ${type} where a folder belongs`);
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

const entryAt = (bytes: Buffer, { at, space, end, next }: Span): TreeEntry => ({
  mode: bytes.toString("latin1", at, space),
  name: bytes.toString("utf8", space + 1, end),
  id: bytes.toString("hex", end + 1, next),
});

/**
 * Entries of a tree (Pro Git, "Git Internals - Git Objects").
 * @throws ReleaseError RepositoryUnusable if it is no tree
 */
export function treeEntries(tree: GitObject): TreeEntry[] {
  const bytes = bytesOf(tree);
  const entries: TreeEntry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const span = spanAt(tree, bytes, at);
    entries.push(entryAt(bytes, span));
    at = span.next;
  }
  return entries;
}

/** The entry of this name, without a look at what the others are: a folder may have thousands. Throws as treeEntries. */
export function entryNamed(tree: GitObject, name: string): TreeEntry | undefined {
  const bytes = bytesOf(tree);
  const wanted = Buffer.from(name);
  const last = wanted.at(-1); // most names of a folder are as long as each other, and differ here
  for (let at = 0; at < bytes.length; ) {
    const span = spanAt(tree, bytes, at);
    const { space, end, next } = span;
    const mayBe = end - space - 1 === wanted.length && bytes[end - 1] === last;
    if (mayBe && wanted.compare(bytes, space + 1, end) === 0) return entryAt(bytes, span);
    at = next;
  }
  return undefined;
}

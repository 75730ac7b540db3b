import { damaged, type GitObject } from "./cat-file.ts";

/** `mode`: 40000 is a folder. */
export type TreeEntry = { readonly mode: string; readonly id: string; readonly name: string };

/** Where an entry stands in a tree's bytes: `<mode> <name>\0<raw id>`. */
type Span = { readonly at: number; readonly space: number; readonly end: number; readonly next: number };

/** Nobody else checks a tree: git gives whatever bytes it has under the id. */
function* spans({ id, type, content }: GitObject, bytes: Buffer): Generator<Span, void, undefined> {
  if (type !== "tree") throw damaged(`${id} is a ${type} where a folder belongs`);
  for (let at = 0; at < content.length; ) {
    const [space, end] = [bytes.indexOf(32, at), bytes.indexOf(0, at)];
    const next = end + 1 + id.length / 2;
    if (space === -1 || end < space || next > bytes.length) throw damaged(`the tree ${id} is malformed`);
    yield { at, space, end, next };
    at = next;
  }
}

const bytesOf = ({ content }: GitObject): Buffer => Buffer.from(content.buffer, content.byteOffset, content.byteLength);

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
  return [...spans(tree, bytes)].map((span) => entryAt(bytes, span));
}

/** The entry of this name, without a look at what the others are: a folder may have thousands. Throws as treeEntries. */
export function entryNamed(tree: GitObject, name: string): TreeEntry | undefined {
  const bytes = bytesOf(tree);
  const wanted = Buffer.from(name);
  for (const span of spans(tree, bytes)) {
    const { space, end } = span;
    const isIt = end - space - 1 === wanted.length && wanted.compare(bytes, space + 1, end) === 0;
    if (isIt) return entryAt(bytes, span);
  }
  return undefined;
}

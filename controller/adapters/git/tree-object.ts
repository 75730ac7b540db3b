import { ReleaseError } from "../../domain/errors.ts";
import type { GitObject } from "./cat-file.ts";

/** `mode`: 40000 is a folder. */
export type TreeEntry = { readonly mode: string; readonly id: string; readonly name: string };

/** What a repository lacks, or has damaged. */
export const damaged = (what: string): ReleaseError =>
  new ReleaseError("RepositoryUnusable", what, "check the repository with git fsck");

/**
 * Entries of a tree: `<mode> <name>\0<raw id>` each (Pro Git, "Git Internals - Git Objects"). Nobody else checks them: git
 * gives whatever bytes it has under the id.
 * @throws ReleaseError RepositoryUnusable if they are no tree
 */
export function* treeEntries({ id, type, content }: GitObject): Generator<TreeEntry, void, undefined> {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  const idBytes = id.length / 2;
  if (type !== "tree") throw damaged(`${id} is a ${type} where a folder belongs`);
  for (let at = 0; at < bytes.length; ) {
    const [space, end] = [bytes.indexOf(" ", at), bytes.indexOf(0, at)];
    const next = end + 1 + idBytes;
    if (space === -1 || end < space || next > bytes.length) throw damaged(`the tree ${id} is malformed`);
    yield {
      mode: bytes.toString("latin1", at, space),
      name: bytes.toString("utf8", space + 1, end),
      id: bytes.toString("hex", end + 1, next),
    };
    at = next;
  }
}

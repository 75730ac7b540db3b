import { ReleaseError } from "../../domain/errors.ts";

export type GitObject = { readonly id: string; readonly type: string; readonly content: Uint8Array };

/** `<id> <type> <size>`, the header of what exists (git-cat-file(1), "Batch Output"). */
const HEADER = /^([0-9a-f]{40}|[0-9a-f]{64}) ([a-z]+) ([0-9]+)$/;

/** The objects that `git cat-file --batch-check` found, in the order asked; names without an object are left out. */
export function parseBatchCheck(output: string): { readonly id: string; readonly type: string }[] {
  return output.split("\n").flatMap((line) => {
    const [, id, type] = HEADER.exec(line) ?? [];
    return id === undefined || type === undefined ? [] : [{ id, type }];
  });
}

/**
 * The objects in the output of `git cat-file --batch`.
 * @throws ReleaseError RepositoryUnusable if one of those asked for is missing, or the output is cut short
 */
export function parseBatch(output: Buffer): GitObject[] {
  const objects: GitObject[] = [];
  let at = 0;
  while (at < output.length) {
    const end = output.indexOf("\n", at);
    const header = output.toString("utf8", at, end === -1 ? output.length : end);
    const [, id, type, size] = HEADER.exec(header) ?? [];
    const start = end + 1;
    const stop = start + Number(size);
    if (id === undefined || type === undefined || output[stop] !== 0x0a) {
      throw new ReleaseError(
        "RepositoryUnusable",
        `git cat-file answered ${JSON.stringify(header)}: an object is missing or its content is cut short`,
        "check the repository with git fsck",
      );
    }
    objects.push({ id, type, content: new Uint8Array(output.subarray(start, stop)) });
    at = stop + 1;
  }
  return objects;
}

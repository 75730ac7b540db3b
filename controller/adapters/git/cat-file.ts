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

/** What `git cat-file --batch` answers to one name: null if there is no such object, a fault if it says anything else. */
export type BatchAnswer = GitObject | null | ReleaseError;

/** What a repository lacks, or has damaged. */
export const damaged = (what: string): ReleaseError =>
  new ReleaseError("RepositoryUnusable", what, "check the repository with git fsck");

const answerTo = (header: string): BatchAnswer =>
  header.endsWith(" missing") ? null : damaged(`git cat-file answered ${JSON.stringify(header)}`);

/** Takes the output of `git cat-file --batch` piece by piece, and tells each answer as soon as it is whole. */
export function batchParser(onAnswer: (answer: BatchAnswer) => void): (piece: Uint8Array) => void {
  let pieces: Uint8Array[] = [];
  let size = 0;
  let needed = 1; // bytes, before anything more can be told
  return (piece) => {
    pieces.push(piece);
    size += piece.byteLength;
    if (size < needed) return;
    const held = Buffer.concat(pieces);
    let at = 0;
    for (;;) {
      const end = held.indexOf("\n", at);
      const header = held.toString("utf8", at, end === -1 ? at : end);
      const [, id, type, length] = HEADER.exec(header) ?? [];
      const start = end + 1;
      const stop = start + Number(length ?? 0);
      needed = end === -1 ? held.length - at + 1 : length === undefined ? 0 : stop + 1 - at;
      if (end === -1 || at + needed > held.length) break;
      if (id === undefined || type === undefined) onAnswer(answerTo(header));
      else onAnswer({ id, type, content: new Uint8Array(held.subarray(start, stop)) });
      at = length === undefined ? start : stop + 1;
    }
    pieces = at === held.length ? [] : [held.subarray(at)];
    size = held.length - at;
  };
}

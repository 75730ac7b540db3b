import type { GitObject } from "./cat-file.ts";
import type { ObjectReader } from "./object-reader.ts";

/** Names that mean the same object for ever: an id, or the tree of the commit that has it. */
const FIXED = /^(?:[0-9a-f]{40}|[0-9a-f]{64})(?:\^\{tree\})?$/;

/** Bytes that are kept; the folder of ten thousand records has some 600,000. */
const LIMIT = 4 * 1024 * 1024;

/**
 * A reader that remembers trees and commits: many releases walk through the same few, one after the other, and what they
 * come to is read once. Files are not kept.
 * @param limit in bytes; what was not asked for longest goes first
 */
export function rememberedTrees(read: ObjectReader, limit = LIMIT): ObjectReader {
  const known = new Map<string, GitObject>();
  let size = 0;
  const forget = (name: string): void => {
    size -= known.get(name)?.content.length ?? 0;
    known.delete(name);
  };
  const remember = (name: string, object: GitObject): void => {
    forget(name); // the one that was asked for last stands last
    known.set(name, object);
    size += object.content.length;
    for (const oldest of known.keys()) {
      if (size <= limit) return;
      forget(oldest);
    }
  };
  return async (names) => {
    const before = names.map((name) => known.get(name));
    const missing = names.filter((_, index) => before[index] === undefined);
    const found = (await read(missing))[Symbol.iterator]();
    return names.map((name, index) => {
      const object = before[index] ?? found.next().value ?? null;
      if (object !== null && FIXED.test(name) && object.type !== "blob") remember(name, object);
      return object;
    });
  };
}

import { join } from "node:path";
import { INSIDE } from "../contract/inside.ts";

/** Where a run works, seen from outside its sandbox. */
export type RunPlace = { readonly work: string; readonly inMemory: boolean };

/** What of a work folder in memory is on the disk all the same (sandbox.sh). */
const ON_DISK = /^\/(out|logs)(\/|$)/;

/**
 * A text of the builder with the paths of its work folder as people find them on this machine. What a run keeps in
 * memory is gone when it ends: there the text says so.
 */
export const outsidePaths = (text: string, { work, inMemory }: RunPlace): string =>
  text.replaceAll(new RegExp(`(?<![\\w./-])${INSIDE.work}(/[\\w./+-]*[\\w+-])?(?![\\w/-])`, "g"), (path, below = "") =>
    inMemory && !ON_DISK.test(String(below)) ? `${path} (in this machine's memory)` : join(work, String(below)),
  );

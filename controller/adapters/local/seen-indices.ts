import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { canonicalJson, sha256Hex, stableJson } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { SeenIndex } from "../../domain/check-record-list.ts";
import { recordJson } from "../../domain/record-invalid.ts";
import type { IndexOwner, SeenIndices } from "../../ports/seen-indices.ts";
import { withStateLock } from "./state-lock.ts";

/** XDG Base Directory: `$XDG_STATE_HOME/imgrel`, else `~/.local/state/imgrel`. */
export function userStateFolder(env: Readonly<Record<string, string | undefined>>): string {
  const base = env["XDG_STATE_HOME"];
  return join(base?.startsWith("/") === true ? base : join(env["HOME"] ?? homedir(), ".local/state"), "imgrel");
}

/** Nothing that a killed process leaves here needs clearing away: files are replaced whole. */
const ALONE = { onWait: () => undefined, onTakeover: async () => undefined };

/** Kept in `<folder>/indices/<SHA-256 of the owner>.json`; `folder` is absolute, and is made on the first write. */
export function localSeenIndices(folder: string): SeenIndices {
  const directory = join(folder, "indices");
  const pathOf = (owner: IndexOwner): string => join(directory, `${sha256Hex(canonicalJson(owner))}.json`);
  const read = async (owner: IndexOwner): Promise<SeenIndex | null> => {
    const text = await readFile(pathOf(owner), "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    });
    return text === null ? null : recordJson(pathOf(owner), text, SeenIndex);
  };
  const remember = (owner: IndexOwner, seen: SeenIndex, signal: AbortSignal): Promise<void> =>
    withStateLock(directory, signal, ALONE, async () => {
      if (((await read(owner))?.version ?? 0) >= seen.version) return;
      await writeFileAtomic(pathOf(owner), stableJson(seen));
    });
  // one after the other in this process; the lock is for other processes
  let last: Promise<unknown> = Promise.resolve();
  return {
    read,
    write: async (owner, seen, signal) => {
      if (((await read(owner))?.version ?? 0) >= seen.version) return; // a state that may only be read will do
      const turn = last.then(() => remember(owner, seen, signal));
      last = turn.catch(() => undefined);
      await turn;
    },
  };
}

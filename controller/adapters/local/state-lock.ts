import { link, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { makeFolder, writeFileAtomic } from "../../../builders/host/files.ts";
import { isAlive, type ProcessIdentity, thisProcess } from "../../../builders/host/process-identity.ts";

/** Who holds a state folder, as its lock file says. */
const Holder = z.strictObject({ pid: z.int().positive(), startTime: z.string() });

export type StateLockEvents = {
  /** told once, with the process ID of the holder that is waited for */
  readonly onWait: (pid: number) => void;
  /** ends and clears away what a holder that is gone has left, before anybody works in the folder again */
  readonly onTakeover: (gone: ProcessIdentity) => Promise<void>;
};

/** How often a held lock is looked at, and how soon after another process cleared one away; milliseconds. */
const HELD = 500;
const CLEARING = 50;

/** What a lock file says; undefined if there is none, or nothing that one of us wrote. */
async function readHolder(path: string): Promise<ProcessIdentity | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return Holder.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/**
 * Makes `path` a link to `from` if there is none yet: whole or not at all.
 * @throws NodeJS.ErrnoException if that cannot be: a full disk must not look like a lock
 */
async function claim(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

/**
 * Removes a lock whose holder is gone. Only one process does that at a time, and looks again before it does: else it
 * could remove the lock of one that took over meanwhile.
 */
async function clearAway(path: string, mine: string, events: StateLockEvents): Promise<void> {
  const takeover = `${path}.takeover`;
  if (!(await claim(mine, takeover))) {
    const other = await readHolder(takeover);
    if (other === undefined || !isAlive(other)) await rm(takeover, { force: true });
    return;
  }
  try {
    const holder = await readHolder(path);
    if (holder !== undefined && isAlive(holder)) return;
    if (holder !== undefined) {
      await events.onTakeover(holder);
      if (`${path}.${holder.pid}` !== mine) await rm(`${path}.${holder.pid}`, { force: true });
    }
    await rm(path, { force: true });
  } finally {
    await rm(takeover, { force: true });
  }
}

/**
 * Runs `work` as the only process in a state folder. Another one that is at work there is waited for; what a killed one
 * left is taken over.
 * @throws NodeJS.ErrnoException if the folder cannot be written; AbortError if `signal` fires while waiting; what `work`
 * throws
 */
export async function withStateLock<T>(
  folder: string,
  signal: AbortSignal,
  events: StateLockEvents,
  work: () => Promise<T>,
): Promise<T> {
  await makeFolder(folder);
  const path = join(folder, "run.lock");
  const mine = `${path}.${process.pid}`;
  await writeFileAtomic(mine, JSON.stringify(thisProcess()));
  let told = false;
  try {
    while (!(await claim(mine, path))) {
      const holder = await readHolder(path);
      if (holder === undefined || !isAlive(holder)) {
        await clearAway(path, mine, events);
        await sleep(CLEARING, undefined, { signal });
        continue;
      }
      if (!told) events.onWait(holder.pid);
      told = true;
      await sleep(HELD, undefined, { signal });
    }
  } finally {
    await rm(mine, { force: true });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";

/** Who holds a state folder: a process ID alone may be another process by now, its start time tells. */
const Holder = z.strictObject({ pid: z.int().positive(), startTime: z.string() });
type Holder = z.infer<typeof Holder>;

/** Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22); undefined if there is none. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

async function liveHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  let holder: Holder;
  try {
    holder = Holder.parse(JSON.parse(text));
  } catch {
    return undefined; // a crash in the middle of writing it: nobody holds it
  }
  return (await startTimeOf(holder.pid)) === holder.startTime ? holder : undefined;
}

/** Makes `path` a link to `from` if there is none yet: whole or not at all. */
const claim = (from: string, path: string): Promise<boolean> =>
  link(from, path).then(
    () => true,
    () => false,
  );

/**
 * Removes a lock whose holder is gone. Only one process does that at a time, and looks again before it does: else it
 * could remove the lock of one that took over meanwhile.
 */
async function removeStale(path: string, mine: string): Promise<void> {
  const takeover = `${path}.takeover`;
  if (!(await claim(mine, takeover))) {
    if ((await liveHolder(takeover)) === undefined) await rm(takeover, { force: true });
    return;
  }
  try {
    if ((await liveHolder(path)) === undefined) await rm(path, { force: true });
  } finally {
    await rm(takeover, { force: true });
  }
}

/**
 * Runs `work` as the only process in a state folder. Another one that is at work there is waited for; what a killed one
 * left is taken over: its builders and machines have ended with it (sandbox.ts).
 * @param onWait told once, with the process ID of the holder
 * @throws AbortError if `signal` fires while waiting; what `work` throws
 */
export async function withStateLock<T>(
  folder: string,
  signal: AbortSignal,
  onWait: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "run.lock");
  const mine = `${path}.${process.pid}`;
  const holder: Holder = { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? "" };
  await writeFile(mine, JSON.stringify(holder));
  let told = false;
  try {
    while (!(await claim(mine, path))) {
      const other = await liveHolder(path);
      if (other === undefined) {
        await removeStale(path, mine);
        continue;
      }
      if (!told) onWait(other.pid);
      told = true;
      await sleep(500, undefined, { signal });
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

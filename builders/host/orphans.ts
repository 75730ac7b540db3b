import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.ts";

/** Says in the environment of a sandbox which process started it; the tools of a build do not get it. */
const STARTER_VARIABLE = "IMGREL_STARTED_BY";

const markOf = ({ pid, startTime }: ProcessIdentity): string => `${pid}:${startTime}`;

/** The environment that makes a process findable for {@link endOrphans}. */
export const startedBy = (starter: ProcessIdentity): Readonly<Record<string, string>> => ({
  [STARTER_VARIABLE]: markOf(starter),
});

/** Processes that have `mark`, a variable with its value, in the environment that they were started with. */
async function markedWith(mark: string): Promise<ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    try {
      const environment = await readFile(`/proc/${name}/environ`, "utf8");
      if (environment.split("\0").includes(mark)) found.push(identityOf(Number(name)));
    } catch {
      // gone by now, or of a user whose processes are none of ours
    }
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/**
 * Kills every process that has `mark` (`NAME=value`) in its environment, and returns once none is there any more.
 * @throws the signal's reason if it fires
 */
export async function endMarked(mark: string, signal: AbortSignal): Promise<void> {
  const ending: ProcessIdentity[] = [];
  for (;;) {
    const left = await markedWith(mark);
    // the first process of a namespace is not gone before all others in it are, and has no environment meanwhile
    if (left.length === 0 && !ending.some(isAlive)) return;
    for (const { pid } of left) kill(pid);
    ending.push(...left);
    await sleep(20, undefined, { signal });
  }
}

/**
 * Ends every sandbox that a process which is gone has left, and returns once none is there any more. Mostly there is
 * none: they end with their starter (sandbox.ts). But the kernel tells them so only from the moment that they asked for
 * it, and who dies before that moment leaves an orphan.
 * @throws the signal's reason if it fires
 */
export const endOrphans = (starter: ProcessIdentity, signal: AbortSignal): Promise<void> =>
  endMarked(`${STARTER_VARIABLE}=${markOf(starter)}`, signal);

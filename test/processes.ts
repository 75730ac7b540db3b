import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Processes in whose mount namespace something of `folder` is mounted, as in every sandbox that works in it or below.
 * The folder's name must be like no other.
 */
export async function processesIn(folder: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^[0-9]+$/.test(name)) continue;
    const mounts = await readFile(`/proc/${name}/mountinfo`, "utf8").catch(() => ""); // gone by now
    if (mounts.includes(`/${basename(folder)}`)) found.push(Number(name));
  }
  return found;
}

/** Waits until nothing works in `folder` any more; returns what still does after `seconds`. */
export async function lastProcessesIn(folder: string, seconds: number): Promise<number[]> {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    const left = await processesIn(folder);
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(50);
  }
}

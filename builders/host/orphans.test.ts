import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exec, PLAIN_ENV } from "./exec.ts";
import { endOrphans, startedBy } from "./orphans.ts";
import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.ts";

const GONE = { pid: 2 ** 22 + 1, startTime: "12" };
const never = new AbortController().signal;
let stop = new AbortController();
let running: Promise<unknown>[] = [];
beforeEach(() => {
  stop = new AbortController();
  running = [];
});
afterEach(async () => {
  stop.abort();
  await Promise.allSettled(running);
});

/** A process that says that `starter` started it, in a session of its own as an orphan may be. */
async function leftBy(starter: ProcessIdentity): Promise<ProcessIdentity> {
  const lines: string[] = [];
  running.push(
    exec({
      ...{ program: "setsid", args: ["sh", "-c", "echo $$; exec sleep 60"], signal: stop.signal },
      env: { ...PLAIN_ENV, ...startedBy(starter) },
      onLine: (line) => lines.push(line),
    }),
  );
  while (lines.length === 0) await sleep(10);
  return identityOf(Number(lines[0]));
}

describe("endOrphans", () => {
  test("ends all that the process left, and has ended it when it returns", async () => {
    const left = [await leftBy(GONE), await leftBy(GONE)];
    expect(left.map(isAlive)).toEqual([true, true]);
    await endOrphans(GONE, never);
    expect(left.map(isAlive)).toEqual([false, false]);
  });
  test("ends nothing of another process, of the same ID neither", async () => {
    const others = [await leftBy({ ...GONE, startTime: "123" }), await leftBy({ ...GONE, pid: 1 })];
    await endOrphans(GONE, never);
    expect(others.map(isAlive)).toEqual([true, true]);
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { exec } from "./exec.ts";
import { identityOf, isAlive, statFields, thisProcess } from "./process-identity.ts";

test("this process is alive, one with its ID and another start time is not", () => {
  const self = thisProcess();
  expect(self.pid).toBe(process.pid);
  expect(self.startTime).toMatch(/^[0-9]+$/);
  expect(isAlive(self)).toBe(true);
  expect(isAlive({ ...self, startTime: "1" })).toBe(false);
});

test("a process that never was is not alive", () => {
  expect(isAlive({ pid: 2 ** 22 + 1, startTime: "1" })).toBe(false);
});

test("a process that has ended and was not reaped is not alive", async () => {
  // the shell becomes a sleep, which does not wait for the child that it has
  const stop = new AbortController();
  const lines: string[] = [];
  const running = exec({
    ...{ program: "sh", args: ["-c", "sleep 0.2 & echo $!; exec sleep 60"], signal: stop.signal },
    onLine: (line) => lines.push(line),
  });
  while (lines.length === 0) await sleep(10);
  const identity = identityOf(Number(lines[0]));
  expect(isAlive(identity)).toBe(true);
  while (statFields(identity.pid)[0] !== "Z") await sleep(10);
  expect(isAlive(identity)).toBe(false);
  stop.abort();
  await expect(running).rejects.toMatchObject({ name: "AbortError" });
});

test("a name with brackets and blanks does not shift the fields", async () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const running = exec({
    ...{
      program: "sh",
      args: ["-c", 'printf "a) Z 1 (b" >/proc/$$/comm; echo $$; while :; do sleep 0.05; done'],
      signal: stop.signal,
    },
    onLine: (line) => lines.push(line),
  });
  while (lines.length === 0) await sleep(10);
  expect(statFields(Number(lines[0]))[1]).toBe(String(process.pid)); // the parent
  stop.abort();
  await running.catch(() => undefined);
});

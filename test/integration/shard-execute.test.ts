import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PLAIN_ENV } from "../../builders/host/exec.ts";
import { executeFor } from "../shards/execute.ts";

let folder = "";
let lines: string[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-execute-"));
  lines = [];
});
afterEach(() => rm(folder, { recursive: true }));

const sh = (script: string, secondsLeft: number) =>
  executeFor(secondsLeft, {
    program: "/bin/sh",
    args: ["-c", script],
    cwd: folder,
    env: { ...PLAIN_ENV, COLOUR: "green" },
    onLine: (line) => lines.push(line),
  });

test("a run ends with its own exit code, its lines and its environment", async () => {
  expect(await sh('echo "$COLOUR"; exit 7', 20.25)).toEqual({ exitCode: 7, stopped: false });
  expect(lines).toEqual(["green"]);
});

test("a run without a limit is not stopped", async () => {
  expect(await sh("true", Number.POSITIVE_INFINITY)).toEqual({ exitCode: 0, stopped: false });
});

test("a run that takes too long is stopped with all that it started, also what left its session", async () => {
  const tick = "setsid sh -c 'while :; do echo tick >>ticks; sleep 0.05; done' & sleep 60";
  expect(await sh(tick, 0.6001)).toEqual({ exitCode: 1, stopped: true });
  await delay(200);
  const ticks = await readFile(join(folder, "ticks"), "utf8");
  expect(ticks).not.toBe("");
  await delay(300);
  expect(await readFile(join(folder, "ticks"), "utf8")).toBe(ticks);
});

test("a program that is not there is an error of the run, not an end of time", async () => {
  const missing = executeFor(20, { program: "/nowhere/sh", args: [], cwd: folder, env: PLAIN_ENV, onLine: () => {} });
  expect(await missing).toEqual({ exitCode: 127, stopped: false });
});

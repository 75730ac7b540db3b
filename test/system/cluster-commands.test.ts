import { mkdir, stat } from "node:fs/promises";
import { afterAll, expect, test } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { IMGREL_ENV, PROJECT } from "../imgrel.ts";
import { clusterFolder } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { tracesOf } from "./cluster/traces.ts";
import { bringUp } from "./cluster/up.ts";

const NAME = "cluster-commands";
const MAIN = ["test/system/cluster/main.ts"];
const run = (program: string, ...args: readonly string[]) => exec({ program, args, cwd: PROJECT, env: IMGREL_ENV });

afterAll(() => takeDown(NAME, AbortSignal.timeout(60_000)));

test("without root rights up says so before it makes anything", async () => {
  // in a user namespace without a map everybody is the overflow user, who may still read these files
  const { exitCode, tail } = await run("unshare", "--user", process.execPath, ...MAIN, "up", "--name", NAME);
  expect(exitCode).toBe(4);
  expect(tail).toMatch(/a test cluster needs root rights .*\n {2}→ run it through sudo/);
  await expect(stat(clusterFolder(NAME))).rejects.toThrow("ENOENT");
});

test.each([
  ["up", ["up", "--name", "../../etc"], "no cluster can have the name '../../etc'"],
  ["up", ["up", "--name", "a".repeat(21)], "at most 20 small letters"],
  ["an unknown command", ["restart"], "name up, down or lock"],
  ["an unknown option", ["up", "--nodes", "2"], "--nodes"],
])("%s is refused with what it takes: %j", async (_, args, message) => {
  const { exitCode, tail } = await run(process.execPath, ...MAIN, ...args);
  expect(exitCode).toBe(2);
  expect(tail).toContain(message);
});

test("what a killed up has left is named, and down removes it", async () => {
  await mkdir(clusterFolder(NAME), { recursive: true });
  const up = await run(process.execPath, ...MAIN, "up", "--name", NAME);
  expect(up.exitCode).toBe(2);
  expect(up.tail).toContain(`npm run cluster:down -- --name ${NAME}`);
  expect((await run(process.execPath, ...MAIN, "down", "--name", NAME)).exitCode).toBe(0);
  await expect(stat(clusterFolder(NAME))).rejects.toThrow("ENOENT");
  expect((await run(process.execPath, ...MAIN, "down", "--name", NAME)).exitCode).toBe(0);
});

test("a cluster that does not come up leaves nothing", async () => {
  const stop = new AbortController();
  const upTo = { say: () => stop.abort(), signal: stop.signal }; // the first thing that is said: the API server is ready
  await expect(bringUp(NAME, upTo)).rejects.toThrow("abort");
  expect(await tracesOf(NAME)).toEqual({ processes: 0, controlGroups: 0, folder: false });
});

test("exec needs a command and a cluster", async () => {
  const none = await run("sh", "test/system/cluster/exec.sh", "--name", NAME, "--", "true");
  expect(none.exitCode).toBe(4);
  expect(none.tail).toContain(`npm run cluster:up -- --name ${NAME}`);
  expect((await run("sh", "test/system/cluster/exec.sh")).exitCode).toBe(2);
});

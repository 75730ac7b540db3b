import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import type { LockedPackage } from "../../builders/contract/lock.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { startedBy } from "../../builders/host/orphans.ts";
import { identityOf, isAlive, statFields } from "../../builders/host/process-identity.ts";
import { type FileServer, sendFile } from "../fakes/file-server.ts";
import { imgrel, IMGREL_ENV, PROJECT } from "../imgrel.ts";
import { lastProcessesIn } from "../processes.ts";
import { demoPackages, linkPackages, startDemoArchive } from "./demo-packages.ts";
import { type LoggedEvent, type RunningImgrel, startImgrel } from "./running-imgrel.ts";

// One release in one state folder with a cache of its own, killed again and again on its way; each start goes on with
// what the last one left. In the end it must be what a release is that nobody killed.
let folder = "";
let state = "";
let archive: FileServer;
/** whether the archive sends only the first half of a file and then nothing */
let stalls = true;
/** packages that the cache lacks */
const WITHHELD = 4;
/** bytes of one that come before the archive falls silent */
const firstHalf = ({ size }: LockedPackage): number => Math.floor(size / 2);
/** bytes of all first halves: once as many have come, there is a part of each package to go on from */
let halves = Number.POSITIVE_INFINITY;
const arch = () => join(state, "work/demo/amd64");
const env = () => ({ ...PLAIN_ENV, HOME: IMGREL_ENV["HOME"] ?? "/", XDG_CACHE_HOME: join(folder, "cache") });
const runArgs = (...more: readonly string[]) => [
  ...["run", "--spec", join(folder, "specs/demo"), "--class", join(folder, "class.yaml")],
  ...["--state-dir", state, ...more],
];

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "kill-"));
  state = join(folder, "state");
  const spec = join(folder, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const text = await readFile(join(spec, "release.yaml"), "utf8");
  const targets = "  targets:\n    - {variant: kernel-initrd, arch: amd64}\n    - {variant: qcow2, arch: amd64}\n";
  await writeFile(join(spec, "release.yaml"), text.replace(/^ {2}targets:\n[^]*/m, `${targets}  builds: 2\n`));
  const packages = await demoPackages();
  const withheld = packages.filter(({ size }) => size > 300_000 && size < 1_000_000).slice(0, WITHHELD);
  halves = withheld.reduce((sum, locked) => sum + firstHalf(locked), 0);
  const present = packages.filter(({ sha256 }) => !withheld.some((one) => one.sha256 === sha256));
  await linkPackages(present, join(folder, "cache"));
  archive = await startDemoArchive(withheld, join(folder, "class.yaml"), (locked, content) => (request, response) => {
    if (!stalls) return sendFile(request, response, content);
    response.writeHead(200, { "content-length": content.length }).write(content.subarray(0, firstHalf(locked)));
  });
});
afterAll(async () => {
  noMore.abort();
  await Promise.allSettled(orphans.map(({ ended }) => ended));
  await archive[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

type Point = {
  readonly name: string;
  readonly at: (event: LoggedEvent) => boolean;
  /** `group`: as a terminal that is closed; `parent`: imgrel alone, as the kernel does where memory is short */
  readonly kill: "group" | "parent";
  readonly boot?: true;
};
const starts = (step: string) => (event: LoggedEvent) => event.event === "started" && event.step === step;
const ends = (step: string) => (event: LoggedEvent) => event.event === "finished" && event.step === step;
const acts = (step: string, text: RegExp) => (event: LoggedEvent) =>
  event.event === "action" && event.step === step && text.test(event.text ?? "");

const KERNEL_BOOT = "amd64 kernel-initrd boot";
// two boots at a time: the third one starts when one of them has ended
const NEXT_BOOT = "amd64 qcow2 uefi virtio-blk boot";
const POINTS: readonly Point[] = [
  { name: "a fetch", kill: "parent", at: ({ step, done = 0 }) => step === "fetch" && done >= halves },
  { name: "the toolchain's first stage", kill: "group", at: starts("toolchain stage 1") },
  { name: "the toolchain's second stage", kill: "parent", at: acts("toolchain", /extracting archives/) },
  { name: "a root", kill: "group", at: acts("amd64 run 1 root", /extracting archives/) },
  { name: "an initramfs", kill: "parent", at: starts("amd64 run 1 initramfs") },
  { name: "a root image", kill: "group", at: starts("amd64 run 2 root-image") },
  { name: "the qcow2", kill: "parent", at: starts("amd64 run 1 qcow2") },
  { name: "the comparison", kill: "group", at: starts("amd64 compare") },
  { name: "a boot", kill: "parent", boot: true, at: acts(KERNEL_BOOT, /Linux version/) },
  { name: "the record of a boot that has ended", kill: "group", boot: true, at: ends(KERNEL_BOOT) },
  { name: "the boot after it", kill: "parent", boot: true, at: starts(NEXT_BOOT) },
];

const exists = (path: string): Promise<boolean> =>
  readFile(path).then(
    () => true,
    () => false,
  );
const State = z.object({ reproduced: z.object({}).nullable(), boots: z.record(z.string(), z.unknown()) });
const recorded = async () => {
  const text = await readFile(join(arch(), "state.json"), "utf8").catch(() => '{"reproduced":null,"boots":{}}');
  return State.parse(JSON.parse(text));
};
/** Toolchains that are whole, and folders of others. */
async function toolchains(): Promise<{ whole: number; partial: string[] }> {
  const home = join(folder, "cache/imgrel/toolchains");
  const names = await readdir(home).catch(() => []);
  const whole = await Promise.all(names.map((name) => exists(join(home, name, "digest"))));
  return { whole: whole.filter(Boolean).length, partial: names.filter((name) => name.endsWith(".partial")) };
}

/** The letter of its state, proc_pid_stat(5); empty before it started. */
function stateOf(running: RunningImgrel): string {
  try {
    return statFields(running.pid())[0] ?? "";
  } catch {
    return "";
  }
}

/** Steps that need not happen any more, as patterns of what a start would tell. */
async function finishedSteps(): Promise<RegExp[]> {
  const done: RegExp[] = [];
  for (const run of [1, 2]) {
    if (await exists(join(arch(), `run-${run}/finished.json`))) done.push(new RegExp(`^amd64 run ${run} `));
  }
  if ((await toolchains()).whole > 0) done.push(/^toolchain/);
  const { reproduced, boots } = await recorded();
  if (reproduced !== null) done.push(/^amd64 compare$/, /^amd64 run 2 /);
  if ("kernel-initrd" in boots) done.push(new RegExp(`^${KERNEL_BOOT}$`));
  return done;
}

const startedSteps = (events: readonly LoggedEvent[]): string[] =>
  events.filter(({ event }) => event === "started").map(({ step }) => step);

/** Starts imgrel and kills it at the point; returns what it told until then. */
async function killAt({ at, kill, boot }: Point): Promise<LoggedEvent[]> {
  const events: LoggedEvent[] = [];
  let killed = false;
  const running = startImgrel(runArgs(...(boot === true ? [] : ["--no-boot"])), env(), {
    onEvent: (event) => {
      events.push(event);
      if (killed || !at(event)) return;
      killed = true;
      process.kill(kill === "group" ? -running.pid() : running.pid(), "SIGKILL");
    },
  });
  const { exitCode, tail } = await running.outcome;
  expect(exitCode, `it ended before the point came: ${tail}`).toBe(137);
  return events;
}

const Holder = z.object({ pid: z.number(), startTime: z.string() });
const orphans: { readonly alive: () => boolean; readonly ended: Promise<unknown> }[] = [];
const noMore = new AbortController();

/** A process such as the imgrel that was killed last could have left: nothing but its environment tells of it. */
async function leaveOrphan(): Promise<void> {
  const holder = Holder.parse(JSON.parse(await readFile(join(state, "run.lock"), "utf8")));
  const lines: string[] = [];
  const ended = exec({
    ...{ program: "setsid", args: ["sh", "-c", "echo $$; exec sleep 5000"], signal: noMore.signal },
    env: { ...PLAIN_ENV, ...startedBy(holder) },
    onLine: (line) => lines.push(line),
  }).catch((error: unknown) => error);
  while (lines.length === 0) await sleep(20);
  const identity = identityOf(Number(lines[0]));
  orphans.push({ ended, alive: () => isAlive(identity) });
}

describe("imgrel run, killed during", () => {
  it.each(POINTS)("$name ($kill): nothing goes on, nothing finished is done again", async (point) => {
    const finished = await finishedSteps();
    const events = await killAt(point);
    expect(startedSteps(events).filter((step) => finished.some((pattern) => pattern.test(step)))).toEqual([]);
    expect(await lastProcessesIn(folder, 10)).toEqual([]);
    expect(orphans.filter(({ alive }) => alive())).toEqual([]); // the start ended what was left of the one before it
    await leaveOrphan();
    stalls = false;
  });
  it("goes on with a fetch where it broke off", () => {
    const resumed = archive.requests.filter((request) => request.includes(" bytes="));
    expect(resumed.length).toBe(WITHHELD);
  });
  it("has recorded a boot before the last one began", async () => {
    expect(Object.keys((await recorded()).boots).length).toBeGreaterThan(0);
  });
});

describe("started once more", () => {
  const manifest = async (path: string) => BuildManifest.parse(JSON.parse(await readFile(path, "utf8")));

  it("only says what it has: all was built and compared", async () => {
    const outcome = await exec({
      program: process.execPath,
      args: ["controller/main.ts", ...runArgs("--no-boot")],
      cwd: PROJECT,
      env: env(),
    });
    expect(outcome.exitCode, outcome.tail).toBe(0);
    expect(outcome.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    expect(outcome.tail).not.toMatch(/ (root|compare|toolchain[ a-z0-9]*): started/);
    expect(await readdir(join(arch(), "run-2"))).toEqual(["logs"]);
    expect((await readdir(state)).toSorted()).toEqual([
      ...["keys", "policy.yaml", "registry", "repository.git", "work"],
    ]);
  });
  it("has the digests of a release that nobody killed", async () => {
    const places = ["--state-dir", join(folder, "other"), "--output", join(folder, "images")];
    const built = await imgrel("build", "--arch", "amd64", "--variant", "kernel-initrd", ...places);
    expect(built.exitCode, built.tail).toBe(0);
    const reference = await manifest(join(folder, "images/kernel-initrd/amd64/build-manifest.json"));
    const found = await manifest(join(arch(), "run-1/out/amd64/build-manifest.json"));
    expect(found.root_image).toEqual(reference.root_image);
    expect(found.artifacts).toMatchObject(reference.artifacts);
    expect(Object.keys(found.artifacts)).toContain("amd64/qcow2/cloud.qcow2");
  });
  it("has the same toolchain, and nothing of those whose making was killed", async () => {
    const { whole, partial } = await toolchains();
    expect({ whole, partial }).toEqual({ whole: 1, partial: [] });
    const [name = ""] = await readdir(join(folder, "cache/imgrel/toolchains"));
    const digest = (cache: string) => readFile(join(cache, "toolchains", name, "digest"), "utf8");
    expect(await digest(join(folder, "cache/imgrel"))).toBe(await digest(cacheRoot(process.env)));
  });
});

describe("a second imgrel run in the same state folder", () => {
  it("says who is there, waits, and goes on when that one has ended", async () => {
    const first = startImgrel(runArgs("--no-boot"), env(), {
      // its plan: it is in the state folder, and stays until it is told to go on
      onLine: (line) => line.startsWith("plan ") && process.kill(first.pid(), "SIGSTOP"),
    });
    while (stateOf(first) !== "T") await sleep(50);
    const told: string[] = [];
    const waiting = `waiting for process ${first.pid()}, which works in ${state}`;
    const second = exec({
      ...{ program: process.execPath, args: ["controller/main.ts", ...runArgs("--plan")], cwd: PROJECT, env: env() },
      onLine: (line) => told.push(line),
    });
    while (!told.includes(waiting)) await sleep(50);
    await sleep(1500); // some looks at the lock
    expect(told).toEqual([waiting]);
    process.kill(first.pid(), "SIGCONT");
    expect((await first.outcome).exitCode).toBe(0);
    const { exitCode, stdout, tail } = await second;
    expect(exitCode, tail).toBe(0);
    expect(stdout).toMatch(/^plan /m);
  });
});

import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import type { FileServer } from "../fakes/file-server.ts";
import { IMGREL_ENV, PROJECT } from "../imgrel.ts";
import { demoPackages, startDemoArchive } from "./demo-packages.ts";
import { type MountedRoom, openMountedRoom } from "./mounted-room.ts";

// Disks that take no more, and folders that cannot be written: real file systems, mounted where only this test sees
// them. One state folder goes through all of it; what was finished in it must be there and sound in the end.
let folder = "";
let room: MountedRoom;
let archive: FileServer;
const state = () => join(folder, "state");
const small = () => join(folder, "small");
const REMEDY = "  → free some space and run the same command again: what is finished and sound is not repeated";

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "storage-"));
  const spec = join(folder, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const text = await readFile(join(spec, "release.yaml"), "utf8");
  const targets = "  targets:\n    - {variant: kernel-initrd, arch: amd64}\n  builds: 2\n";
  await writeFile(join(spec, "release.yaml"), text.replace(/^ {2}targets:\n[^]*/m, targets));
  archive = await startDemoArchive(await demoPackages(), join(folder, "class.yaml"));
  for (const place of [state(), small()]) await mkdir(place);
  room = await openMountedRoom();
});
afterAll(async () => {
  await room[Symbol.asyncDispose]();
  await archive[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const run = (place: string, ...more: readonly string[]): Promise<Outcome> =>
  room.imgrel(["run", "--spec", join(folder, "specs/demo"), "--state-dir", place, "--no-boot", ...more], IMGREL_ENV);
const mountSmall = (size: string) =>
  room.sh('umount "$1" 2>/dev/null || :; mount -t tmpfs -o "size=$2" tmpfs "$1"', small(), size);
const fill = (place: string) => room.sh('cat /dev/zero >"$1/filler" 2>/dev/null || :', place);

/** The failure that people see: the last lines, without any stack or talk of a bug. */
function expectFailure({ exitCode, tail }: Outcome, ...lines: readonly (string | RegExp)[]): void {
  expect(exitCode, tail).toBe(1);
  for (const line of lines) expect(tail).toMatch(line);
  expect(tail).not.toMatch(/^ +at |this is a bug|node:internal/m);
}

const manifest = async () =>
  BuildManifest.parse(
    JSON.parse(await readFile(room.path(join(state(), "work/demo/amd64/run-1/out/amd64/build-manifest.json")), "utf8")),
  );
let finished: BuildManifest;

describe("a disk that is full", () => {
  it("before anything is there: the folder is named", async () => {
    await mountSmall("64k");
    await fill(small());
    const outcome = await run(small());
    expectFailure(outcome, `error: no space is left in ${small()} (ENOSPC`, REMEDY);
    await rm(room.path(join(small(), "filler")));
    expect(await room.sh('ls -A "$1"', small())).toBe("");
  });
  it("while git writes: the repository is named", async () => {
    await mountSmall("40k");
    const outcome = await run(small());
    expectFailure(outcome, `error: no space is left in ${small()}/`, REMEDY);
    expect(outcome.tail).toContain("repository.git");
  });
  it("while a root is installed: the run's folder is named", async () => {
    await room.sh('mount -t tmpfs -o size=250m tmpfs "$1"', state());
    const outcome = await run(state());
    expectFailure(outcome, `error: root: no space is left in ${state()}/work/demo/amd64/run-1`, REMEDY);
    expect(outcome.tail).toContain("  | ");
  });
  it("is no more: the same command goes on", async () => {
    await room.sh('mount -o remount,size=6g "$1"', state());
    const outcome = await run(state());
    expect(outcome.exitCode, outcome.tail).toBe(0);
    finished = await manifest();
  });
  it("again, with a finished release on it: nothing of that is lost", async () => {
    await fill(state());
    expectFailure(await run(state()), `error: no space is left in ${state()} (ENOSPC`, REMEDY);
    expect(await manifest()).toEqual(finished);
  });
});

describe("a state folder on a read-only file system", () => {
  it("is named, and nothing in it is lost", async () => {
    await room.sh('rm "$1/filler"; mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"', state());
    const remedy = "  → choose a place that is not on a read-only file system, or mount it writable";
    expectFailure(await run(state()), `error: nothing can be written in ${state()} (EROFS`, remedy);
    expect(await manifest()).toEqual(finished);
  });
  it("is named as well if it would have to be made there", async () => {
    const outcome = await run(join(state(), "new"));
    expectFailure(outcome, `error: nothing can be written in ${state()} (EROFS`);
    expect(outcome.stdout).toBe("");
  });
  it("is no more: nothing has to be built again", async () => {
    await room.sh('umount "$1"', state());
    const outcome = await run(state());
    expect(outcome.exitCode, outcome.tail).toBe(0);
    expect(outcome.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    expect(outcome.tail).not.toMatch(/ (root|compare): started/);
    expect(await manifest()).toEqual(finished);
  });
});

describe("a cache on a disk that is full", () => {
  const cached = () => ({ ...PLAIN_ENV, HOME: IMGREL_ENV["HOME"] ?? "/", XDG_CACHE_HOME: small() });

  it("is named by a fetch, which does not blame the network", async () => {
    await mountSmall("2m");
    const outcome = await room.imgrel(["fetch", "--toolchain", "--class", join(folder, "class.yaml")], cached());
    expectFailure(
      outcome,
      new RegExp(`error: no space is left in ${small()}/imgrel/blobs/[0-9a-f]{2} \\(ENOSPC`),
      REMEDY,
    );
    expect(outcome.tail).not.toContain("network");
  });
  it("is named by a toolchain that does not fit, and nothing of it stays", async () => {
    await mountSmall("100m");
    await room.sh(
      'mkdir -p "$1/imgrel/blobs"; mount --bind "$2/blobs" "$1/imgrel/blobs"',
      small(),
      cacheRoot(process.env),
    );
    const outcome = await room.imgrel(
      ["run", "--spec", join(folder, "specs/demo"), "--state-dir", join(folder, "other"), "--no-boot"],
      cached(),
    );
    expectFailure(outcome, `error: toolchain: no space is left in ${small()}/imgrel/toolchains/`, REMEDY);
    expect(await room.sh('ls -A "$1/imgrel/toolchains"; umount "$1/imgrel/blobs"', small())).toBe("");
  });
});

describe("evidence on a disk that gets full while a guest boots", () => {
  it("ends the boot at once and says so", async () => {
    await mountSmall("8m");
    const artifact = join(state(), "work/demo/amd64/run-1/out/amd64/kernel-initrd");
    let filled: Promise<string> | undefined;
    const outcome = await room.imgrel(["boot", artifact, "--evidence", join(small(), "boot")], IMGREL_ENV, (line) => {
      if (line.includes("Linux version")) filled ??= fill(small());
    });
    await filled;
    expectFailure(outcome, `error: boot: no space is left in ${join(small(), "boot")}`, REMEDY);
    expect(filled).toBeDefined();
    expect(outcome.wallSeconds).toBeLessThan(120);
  });
});

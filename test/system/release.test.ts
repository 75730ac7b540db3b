import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import type { Outcome } from "../../builders/host/exec.ts";
import { imgrel } from "../imgrel.ts";

// The whole demo release as `npm start` makes it, and what a second start does.
const BOOTS = ["kernel-initrd", "raw-bios", "raw-uefi", "qcow2-bios", "qcow2-uefi"];
let state = "";
let first: Outcome;

const start = () => imgrel("run", "--spec", "specs/demo", "--state-dir", state);
const manifest = async () =>
  BuildManifest.parse(
    JSON.parse(await readFile(join(state, "work/demo/amd64/run-1/out/amd64/build-manifest.json"), "utf8")),
  );

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  state = await mkdtemp(join(parent, "release-"));
  first = await start();
});
afterAll(() => rm(state, { recursive: true, force: true }));

describe("the demo release", () => {
  it("is reproduced, booted everywhere and verified", () => {
    expect(first.exitCode, first.tail).toBe(0);
    expect(first.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    for (const boot of BOOTS) expect(first.stdout).toMatch(new RegExp(`^${boot}: booted in `, "m"));
    expect(first.stdout.trimEnd().split("\n").at(-1)).toMatch(/^verified +demo /);
  });
  it("has the same root image in every variant, as each guest reported", async () => {
    const { root_image } = await manifest();
    const reported = [...first.stdout.matchAll(/ fsverity=(sha256:[0-9a-f]{64})/g)].map(([, digest]) => digest);
    expect(reported).toEqual(BOOTS.map(() => root_image.fsverity_digest));
  });
  it("is not built or booted again by a second start", async () => {
    const before = await manifest();
    const second = await start();
    expect(second.exitCode, second.tail).toBe(0);
    expect(second.wallSeconds).toBeLessThan(first.wallSeconds / 3);
    expect(second.tail).not.toContain("boot: started");
    expect(second.stdout.trimEnd().split("\n").at(-1)).toMatch(/^verified +demo /);
    expect(await manifest()).toEqual(before);
  });
});

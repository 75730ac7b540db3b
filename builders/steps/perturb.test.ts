import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import { PERTURB_STEPS, type PerturbStep, PERTURBED_FILE } from "../contract/perturbation.ts";
import type { ProgressEvent } from "../contract/progress.ts";
import { compareFiles } from "../host/compare-files.ts";
import { smallImage } from "../../test/fakes/small-images.ts";
import { explainFiles } from "../readers/explain-files.ts";
import { cpioArchive } from "./cpio.ts";
import { markPerturbed, perturb, perturbedEpoch, wantedPerturbation } from "./perturb.ts";
import type { StepContext } from "./tool.ts";

let work = "";
let events: ProgressEvent[] = [];
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "imgrel-perturb-"));
  await mkdir(join(work, "out/amd64"), { recursive: true });
  events = [];
});
afterEach(() => rm(work, { recursive: true }));

const context = (step?: PerturbStep): StepContext => ({
  ...{ work, blobs: "", project: "", epoch: 1000, clockOffsetDays: 0 },
  report: (event) => void events.push(event),
  signal: new AbortController().signal,
  ...(step === undefined ? {} : { perturb: step }),
});
const mark = (): Promise<string> => readFile(join(work, "out/amd64", PERTURBED_FILE), "utf8");

const SIMPLE = ["root-file", "erofs", "ext4", "fat", "qcow2"] as const;

test.each(SIMPLE)("%s changes one byte, says so and marks the run", async (step) => {
  const [path, original] = [join(work, "file"), join(work, "original")];
  for (const file of [path, original]) await writeFile(file, Buffer.alloc(5000, 7));
  await perturb(context(step), step, path);
  expect(await compareFiles(path, original)).toMatchObject({ differingBytes: 1 });
  const text = expect.stringContaining(`IMGREL_TEST_PERTURB=${step}: changed byte`) as string;
  expect(events).toMatchObject([
    { event: "started", step: `perturb ${step}`, text },
    { event: "finished", step: `perturb ${step}`, text },
  ]);
  await markPerturbed(context(step), "amd64");
  expect(await mark()).toMatch(new RegExp(`^${step}: byte [0-9]+ of ${path}\n$`));
});

describe("without being asked", () => {
  it("nothing is changed, said or marked", async () => {
    const path = join(work, "file");
    await writeFile(path, "content");
    for (const asked of [undefined, "uki"] as const) {
      for (const step of SIMPLE) await perturb(context(asked), step, path);
    }
    expect(await readFile(path, "utf8")).toBe("content");
    expect(await perturbedEpoch(context())).toBe(1000);
    await markPerturbed(context(), "amd64");
    await expect(mark()).rejects.toThrow("ENOENT");
    expect(events).toEqual([]);
  });
});

test("the time stamp of the root image is a second later", async () => {
  expect(await perturbedEpoch(context("root-mtime"))).toBe(1001);
  await markPerturbed(context("root-mtime"), "amd64");
  expect(await mark()).toContain("root-mtime");
});

test("one byte of a compressed member, and of no other", async () => {
  const name = "usr/lib/dracut/build-parameter.txt";
  const chunks: Uint8Array[] = [];
  const folders = ["usr", "usr/lib", "usr/lib/dracut"].map((folder) => ({
    ...{ type: "directory" as const, name: folder, permissions: 0o755 },
  }));
  const member = { type: "file" as const, name, permissions: 0o644, content: Buffer.from("--force --sysroot\n") };
  for await (const chunk of cpioArchive([...folders, member], 0)) chunks.push(chunk);
  const [path, original] = [join(work, "file"), join(work, "original")];
  for (const file of [path, original]) await writeFile(file, zstdCompressSync(Buffer.concat(chunks)));
  await perturb(context("cpio-member"), "cpio-member", path);
  const difference = await compareFiles(original, path);
  if (difference === null) throw new Error("nothing was changed");
  const { findings } = await explainFiles(original, path, difference);
  expect(findings).toMatchObject([{ aspect: "text", values: ["--force", ",-force"] }]);
  expect(findings[0]?.trail.map((step) => step.name)).toEqual(["zstd cpio 1", name, "word 1"]);
});

test("one byte of a digest in a composefs, which is told with its file", async () => {
  const [path, original] = [join(work, "file"), join(work, "original")];
  for (const file of [path, original]) await writeFile(file, await smallImage("composefs"));
  await perturb(context("composefs"), "composefs", path);
  const difference = await compareFiles(original, path);
  if (difference === null) throw new Error("nothing was changed");
  expect(difference.differingBytes).toBe(1);
  const { findings } = await explainFiles(original, path, difference);
  expect(findings.map(({ trail, aspect }) => [...trail.map(({ name }) => name), aspect])).toEqual([
    ["/usr/bin/copy", "trusted.overlay.metacopy"],
    ["/usr/bin/long", "trusted.overlay.metacopy"],
  ]);
  await markPerturbed(context("composefs"), "amd64");
  expect(await mark()).toMatch(/^composefs: byte /);
});

describe("a test that means something else than it does fails", () => {
  it.each(["cpio-member", "composefs", "gpt-guid", "uki"] as const)("%s of a file that is none", async (step) => {
    const path = join(work, "file");
    await writeFile(path, Buffer.alloc(2048, "x"));
    await expect(perturb(context(step), step, path)).rejects.toMatchObject({
      failure: { code: step === "cpio-member" ? "OutputInvalid" : "InvalidRequest" },
    });
  });
  it("composefs of an erofs that is none", async () => {
    const path = join(work, "file");
    await writeFile(path, await smallImage("erofs"));
    await expect(perturb(context("composefs"), "composefs", path)).rejects.toMatchObject({
      failure: { message: `${path} holds no digest of a file` },
    });
  });
  it("for a step that the build does not have", async () => {
    await expect(markPerturbed(context("uki"), "amd64")).rejects.toMatchObject({
      failure: { code: "InvalidRequest", message: "no step of this build made a uki to perturb" },
    });
  });
});

describe("the environment", () => {
  it("asks for a step and is heard only in a test", () => {
    expect(wantedPerturbation({})).toEqual({});
    for (const step of PERTURB_STEPS) {
      expect(wantedPerturbation({ IMGREL_TEST_PERTURB: step, IMGREL_TEST: "1" })).toEqual({ perturb: step });
    }
    for (const env of [{}, { IMGREL_TEST: "" }, { IMGREL_TEST: "yes" }]) {
      expect(() => wantedPerturbation({ ...env, IMGREL_TEST_PERTURB: "fat" })).toThrow("IMGREL_TEST is not 1");
    }
  });
  it.each(["", "disk", "fat@0", "fat@", "@1", "fat@1x"])("cannot ask for %j", (value) => {
    expect(() => wantedPerturbation({ IMGREL_TEST: "1", IMGREL_TEST_PERTURB: value })).toThrow(
      "must be one of root-file",
    );
  });
});

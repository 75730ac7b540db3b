import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { contentsInRepository, contentsInWorkTree } from "../../controller/adapters/git/past-contents.ts";
import { openOwn } from "../repositories.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const texts = (contents: readonly Uint8Array[]) =>
  contents.map((content) => new TextDecoder().decode(content)).toSorted();

async function git(cwd: string, ...args: string[]) {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "init.defaultBranch=trunk"];
  const outcome = await exec({ program: "git", args: [...identity, ...args], cwd });
  expect(outcome.exitCode, outcome.tail).toBe(0);
}

/** A work tree whose `specs/demo/release.yaml` had two contents, and has a third that is not committed. */
async function workTree() {
  const root = join(folder, "checkout");
  const file = join(root, "specs", "demo", "release.yaml");
  await mkdir(join(root, "specs", "demo"), { recursive: true });
  await git(root, "init", "-q");
  for (const content of ["one", "two"]) {
    await writeFile(file, content);
    await git(root, "add", ".");
    await git(root, "commit", "-qm", content);
  }
  await writeFile(file, "three");
  return { root, file };
}

describe("what a file was", () => {
  it("is what the commits of its work tree say", async () => {
    const { file } = await workTree();
    expect(texts(await contentsInWorkTree(file))).toEqual(["one", "two"]);
  });

  it("is found from a second work tree of the same repository, and on a detached HEAD", async () => {
    const { root } = await workTree();
    const second = join(folder, "second");
    await git(root, "worktree", "add", "-q", "--detach", second);
    expect(texts(await contentsInWorkTree(join(second, "specs", "demo", "release.yaml")))).toEqual(["one", "two"]);
  });

  it("is nothing outside of git, before the first commit, and for a file that was never committed", async () => {
    expect(await contentsInWorkTree(join(folder, "release.yaml"))).toEqual([]);
    await git(folder, "init", "-q");
    expect(await contentsInWorkTree(join(folder, "release.yaml"))).toEqual([]);
    const { root } = await workTree();
    expect(await contentsInWorkTree(join(root, "specs", "other.yaml"))).toEqual([]);
  });

  it("is not nothing where the repository cannot be read", async () => {
    const file = join(folder, "release.yaml");
    await writeFile(join(folder, ".git"), "damaged");
    await expect(contentsInWorkTree(file)).rejects.toMatchObject({ code: "RepositoryUnusable" });
    await writeFile(join(folder, ".git"), "gitdir: ../none\n");
    await expect(contentsInWorkTree(file)).rejects.toMatchObject({ code: "RepositoryUnusable" });
  });

  it("is what a branch of a bare repository says, and nothing where there is none", async () => {
    const directory = join(folder, "repository.git");
    const path = "specs/demo/release.yaml";
    expect(await contentsInRepository(directory, "main", path)).toEqual([]);
    const { specs: repository } = await openOwn(directory);
    expect(await contentsInRepository(directory, "main", path)).toEqual([]);
    for (const content of ["1", "2"]) {
      await repository.commit(async () => ({ changes: [{ path, content }], message: "m" }));
    }
    expect(texts(await contentsInRepository(directory, "main", path))).toEqual(["1", "2"]);
  });
});

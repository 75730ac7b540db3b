import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { moveRef } from "../../controller/adapters/git/bare-repository.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { treeOf, writeCommit, writeTree } from "../../controller/adapters/git/write-commit.ts";
import { removeStaleLocks } from "../../controller/adapters/git/stale-locks.ts";
import { formatCommitMessage } from "../../controller/domain/commit-message.ts";
import { IDENTITY, loseObject, openOwn, REPOSITORY_OPTIONS } from "../repositories.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const files = (given: Record<string, string>) =>
  new Map(Object.entries(given).map(([path, text]) => [path, bytes(text)]));

let folder = "";
let directory = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  directory = join(folder, ".imgrel", "repository.git");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const open = async () => (await openOwn(directory)).specs;
const git = (...args: string[]) => gitOn(directory).run(args);

describe("the repository", () => {
  it("is made on first use, whole, with HEAD on its branch, and no file beside it", async () => {
    const repository = await open();
    expect((await readFile(join(directory, "HEAD"), "utf8")).trim()).toBe("ref: refs/heads/main");
    expect(await git("rev-parse", "--is-bare-repository")).toBe("true\n");
    await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    expect(await readdir(join(folder, ".imgrel"))).toEqual(["repository.git"]);
    expect(await readdir(directory)).not.toContain("index");
  });

  it("is made once by starters that come at the same time", async () => {
    const repositories = await Promise.all([open(), open(), open()]);
    for (const [index, repository] of repositories.entries()) {
      await repository.commit(async () => ({ changes: [{ path: `specs/${index}`, content: "1" }], message: "m" }));
    }
    expect(await (await (await open()).tip()).readDirectory("specs")).toEqual(files({ 0: "1", 1: "1", 2: "1" }));
    expect(await readdir(join(folder, ".imgrel"))).toEqual(["repository.git"]);
  });

  it("is not made where something else stands", async () => {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, "notes.txt"), "mine");
    await expect(open()).rejects.toMatchObject({ code: "RepositoryUnusable" });
    expect(await readdir(directory)).toEqual(["notes.txt"]);
    await writeFile(join(directory, "HEAD"), "ref: refs/heads/main\n");
    await expect(open()).rejects.toThrow(/not a git repository/);
  });

  it("takes no other branch for its own", async () => {
    const repository = await open();
    const { commit } = await repository.commit(async () => ({ changes: [{ path: "a", content: "1" }], message: "m" }));
    await git("update-ref", "-d", "refs/heads/main");
    await git("update-ref", "refs/heads/main/old", commit ?? "");
    expect((await repository.tip()).commit).toBeNull();
  });

  it("says that git is missing", async () => {
    const attempt = gitOn(null).run(["version"], { env: { PATH: join(folder, "empty") } });
    await expect(attempt).rejects.toMatchObject({ code: "ToolMissing", remedy: "install it: apt-get install git" });
  });

  it("takes no exit code but 0 for success, although git says nothing", async () => {
    await open();
    await expect(git("rev-parse", "--verify", "--quiet", "refs/heads/none")).rejects.toMatchObject({
      code: "RepositoryUnusable",
      message: expect.stringContaining("exit code 1") as string,
    });
  });

  it("refuses a commit that is damaged instead of reading it as empty", async () => {
    const repository = await open();
    await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    const tip = await repository.tip();
    const id = (await git("rev-parse", "HEAD:specs/a")).trim();
    await loseObject(directory, id);
    await expect(tip.readFile("specs/a")).rejects.toMatchObject({ code: "RepositoryUnusable" });
  });

  it("refuses a folder that is damaged instead of reading it as none", async () => {
    const repository = await open();
    await repository.commit(async () => ({ changes: [{ path: "specs/a/b", content: "1" }], message: "m" }));
    const tip = await repository.tip();
    const id = (await git("rev-parse", "HEAD:specs")).trim();
    await loseObject(directory, id);
    await expect(tip.readDirectory("specs/a")).rejects.toMatchObject({ code: "RepositoryUnusable" });
    expect((await tip.readDirectory("other")).size).toBe(0);
  });

  it("takes no folder for an object whose id its name ends with", async () => {
    const repository = await open();
    const blob = (await gitOn(directory).run(["hash-object", "-w", "--stdin"], { input: "other" })).trim();
    const names = [4, 8, 40].map((length) => `edge-g${blob.slice(0, length)}`);
    const changes = names.map((name) => ({ path: `specs/${name}/release.yaml`, content: name }));
    await repository.commit(async () => ({ changes, message: "m" }));
    const tip = await repository.tip();
    for (const name of names) {
      const content = files({ "release.yaml": name });
      expect(await tip.readDirectory(`specs/${name}`)).toEqual(content);
      expect(await tip.everHeld(`specs/${name}`, content)).toBe(true);
    }
  });

  it("refuses a symbolic link in a spec", async () => {
    const repository = await open();
    const link = (await gitOn(directory).run(["hash-object", "-w", "--stdin"], { input: "/etc/passwd" })).trim();
    const tree = (await gitOn(directory).run(["mktree"], { input: `120000 blob ${link}\trelease.yaml\n` })).trim();
    const commit = (await gitOn(directory).run(["commit-tree", tree, "-m", "link"], { env: IDENTITY })).trim();
    await git("update-ref", "refs/heads/main", commit);
    const tip = await repository.tip();
    await expect(tip.readFile("release.yaml")).rejects.toThrow(/neither a file nor a folder/);
  });

  it("of SHA-256 objects works alike", async () => {
    await gitOn(null).run(["init", "--quiet", "--bare", "--object-format=sha256", directory]);
    await git("symbolic-ref", "HEAD", "refs/heads/main");
    const repository = await open();
    const first = await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    await repository.commit(async () => ({
      changes: [
        { path: "specs/a", content: null },
        { path: "specs/b", content: "2" },
      ],
      message: "m",
    }));
    const tip = await repository.tip();
    expect(first.commit).toMatch(/^[0-9a-f]{64}$/);
    expect(await tip.readDirectory("specs")).toEqual(files({ b: "2" }));
    expect(await tip.everHeld("specs", files({ a: "1" }))).toBe(true);
  });
});

describe("a commit", () => {
  it("holds files of any name and content, and leaves nothing beside its branch", async () => {
    const repository = await open();
    const odd = { 'a "quoted" one': "1", "ä ö": "", "ends with a line": "x\nM 100644 inline b\n" };
    const changes = Object.entries(odd).map(([name, content]) => ({ path: `specs/${name}`, content }));
    await repository.commit(async () => ({ changes, message: "m" }));
    const raw = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    await repository.commit(async () => ({ changes: [{ path: "raw", content: raw }], message: "m" }));
    const tip = await repository.tip();
    expect(await tip.readDirectory("specs")).toEqual(files(odd));
    expect(await tip.readFile("raw")).toEqual(raw);
    expect(await git("for-each-ref", "--format=%(refname)")).toBe("refs/heads/main\n");
    expect(await git("fsck", "--strict")).not.toContain("error");
  });

  it("puts a file where a folder was, and a folder where a file was", async () => {
    const repository = await open();
    const commit = (changes: Parameters<typeof writeTree>[2]) =>
      repository.commit(async () => ({ changes, message: "m" }));
    await commit([{ path: "specs/a/b", content: "1" }]);
    await commit([
      { path: "specs/a", content: "2" },
      { path: "specs/a/b", content: null },
    ]);
    expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ a: "2" }));
    await commit([
      { path: "specs/a/b", content: "3" },
      { path: "specs/a", content: null },
    ]);
    expect(await (await repository.tip()).readDirectory("specs")).toEqual(files({ "a/b": "3" }));
    await commit([{ path: "specs/a/b", content: null }]);
    expect(await (await repository.tip()).list("specs")).toEqual([]);
  });

  it("is not made on a tree that is not there", async () => {
    await open();
    const attempt = writeTree(gitOn(directory), "1".repeat(40), [{ path: "a", content: "1" }]);
    await expect(attempt).rejects.toMatchObject({ code: "RepositoryUnusable" });
    expect((await readdir(directory)).filter((name) => name.includes("crash"))).toEqual([]);
  });

  it("depends on no configuration, variable or hook of anybody", async () => {
    const repository = await open();
    await writeFile(
      join(folder, ".gitconfig"),
      "[commit]\n\tgpgsign = true\n[user]\n\tname = Wrong\n[core]\n\tbare = maybe\n",
    );
    await mkdir(join(directory, "hooks"), { recursive: true });
    await writeFile(join(directory, "hooks", "reference-transaction"), "#!/bin/sh\nexit 1\n");
    await chmod(join(directory, "hooks", "reference-transaction"), 0o755);
    vi.stubEnv("HOME", folder);
    vi.stubEnv("GIT_CONFIG_GLOBAL", join(folder, ".gitconfig"));
    vi.stubEnv("GIT_AUTHOR_NAME", "Wrong");
    vi.stubEnv("GIT_DIR", join(folder, "elsewhere"));
    vi.stubEnv("GIT_INDEX_FILE", join(folder, "index"));
    vi.stubEnv("TZ", "Pacific/Kiritimati");
    const message = formatCommitMessage({
      subject: "Import demo",
      paragraphs: ["Key: not a trailer"],
      trailers: [["Release", "demo"]],
    });
    await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message }));
    const format = "%an <%ae> %cn %ad %G? %(trailers:only,separator=%x2C)";
    expect(await git("log", "--date=format:%z", `--format=${format}`)).toBe(
      "imgrel <imgrel@localhost> imgrel +0000 N Release: demo\n",
    );
    expect(await readdir(folder)).not.toContain("index");
  });

  it("works in a repository of another owner, as under sudo", async () => {
    const repository = await open();
    await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "1" }], message: "m" }));
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1" };
    const found = await exec({
      program: "git",
      args: ["log"],
      cwd: directory,
      env: { PATH: "/usr/bin:/bin", HOME: folder, ...env },
    });
    expect(found.tail).toContain("dubious ownership");
    expect(await gitOn(directory).run(["log", "--format=%s"], { env })).toBe("m\n");
  });

  it("of two writers at once is never lost", async () => {
    const [one, two] = await Promise.all([open(), open()]);
    const write = async (repository: typeof one, name: string) => {
      for (let round = 0; round < 5; round += 1) {
        await repository.commit(async () => ({
          changes: [{ path: `specs/${name}-${round}`, content: name }],
          message: `${name} ${round}`,
        }));
      }
    };
    await Promise.all([write(one, "one"), write(two, "two")]);
    expect((await (await one.tip()).list("specs")).length).toBe(10);
    expect((await git("log", "--format=%s %P")).trim().split("\n")).toHaveLength(10);
    expect(await git("rev-list", "--merges", "main")).toBe("");
  });

  it("that was written but not yet on the branch leaves the branch as it was", async () => {
    const repository = await open();
    const before = await repository.commit(async () => ({
      changes: [{ path: "specs/a", content: "1" }],
      message: "m",
    }));
    const ours = gitOn(directory);
    const tree = await writeTree(ours, await treeOf(ours, before.commit), [{ path: "specs/a", content: "2" }]);
    const lost = { parent: before.commit, tree, message: "crashed" };
    const orphan = await writeCommit(ours, lost, REPOSITORY_OPTIONS.committer);
    expect(orphan).toMatch(/^[0-9a-f]{40}$/);
    expect((await repository.tip()).commit).toBe(before.commit);
    const after = await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "3" }], message: "m" }));
    expect(await git("rev-parse", `${after.commit}^`)).toBe(`${before.commit}\n`);
    expect(await moveRef(ours, "refs/heads/main", orphan, before.commit)).toBe(false);
    expect((await repository.tip()).commit).toBe(after.commit);
  });

  it("by a process that is killed before the branch moves leaves the branch as it was", async () => {
    const repository = await open();
    const before = await repository.commit(async () => ({
      changes: [{ path: "specs/a", content: "1" }],
      message: "m",
    }));
    const lock = join(directory, "refs", "heads", "main.lock");
    await writeFile(lock, ""); // holds the writer where it would move the branch
    const module = JSON.stringify(join(import.meta.dirname, "../repositories.ts"));
    const script = `const { openOwn } = await import(${module});
      const { specs } = await openOwn(${JSON.stringify(directory)}, { pause: () => 60_000 });
      await specs.commit(async () => ({ changes: [{ path: "specs/a", content: "2" }], message: "killed" }));`;
    const killer = new AbortController();
    const child = exec({
      program: process.execPath,
      args: ["--input-type=module", "-e", script],
      signal: killer.signal,
    });
    const commits = async () =>
      (await git("cat-file", "--batch-all-objects", "--batch-check"))
        .split("\n")
        .filter((line) => line.includes(" commit "));
    while ((await commits()).length < 2) await sleep(50);
    killer.abort();
    await expect(child).rejects.toThrow(/abort/i);
    expect((await repository.tip()).commit).toBe(before.commit);
    expect(await (await repository.tip()).readFile("specs/a")).toEqual(bytes("1"));

    const held = repository.commit(async () => ({ changes: [{ path: "specs/a", content: "3" }], message: "m" }));
    await expect(held).rejects.toMatchObject({ code: "PushConflict", remedy: expect.stringContaining(lock) as string });
    await writeFile(join(directory, "HEAD.lock"), ""); // git locks HEAD as well while its branch moves
    await removeStaleLocks(directory);
    const after = await repository.commit(async () => ({ changes: [{ path: "specs/a", content: "3" }], message: "m" }));
    expect(await git("rev-parse", `${after.commit}^`)).toBe(`${before.commit}\n`);
    expect(await git("fsck", "--strict")).not.toMatch(/missing|broken|error/);
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAncestor } from "../../controller/adapters/git/bare-repository.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { treeAt } from "../../controller/adapters/git/tree.ts";
import { treeOf } from "../../controller/adapters/git/write-commit.ts";
import { IDENTITY, openOwn } from "../repositories.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const files = (given: Record<string, string>) =>
  new Map(Object.entries(given).map(([path, text]) => [path, bytes(text)]));

let folder = "";
let directory = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  directory = join(folder, ".imgrel", "repository.git");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const open = async () => (await openOwn(directory)).specs;
const git = (...args: string[]) => gitOn(directory).run(args);

/** A history for `git fast-import`: `count` commits in a row; `touch` says what the n-th changes. */
const stream = (count: number, touch: (index: number) => { path: string; content: string }) =>
  Array.from({ length: count }, (_, index) => {
    const { path, content } = touch(index);
    const head = `commit refs/heads/main\ncommitter a <a@localhost> ${1_000_000_000 + index} +0000\ndata 1\nm\n`;
    return `${head}M 100644 inline ${path}\ndata ${Buffer.byteLength(content)}\n${content}\n`;
  }).join("\n");

describe("history", () => {
  it("of thousands of commits is searched in a few git processes", async () => {
    const repository = await open();
    const input = stream(5000, (index) =>
      index % 10 === 0
        ? { path: "specs/demo/release.yaml", content: `version: ${index}` }
        : { path: `specs/r${index % 100}/release.yaml`, content: `${index}` },
    );
    await gitOn(directory).run(["fast-import", "--quiet"], { input });
    const tip = await repository.tip();
    const started = performance.now();
    expect(await tip.everHeld("specs/demo", files({ "release.yaml": "version: 10" }))).toBe(true);
    expect(await tip.everHeld("specs/demo", files({ "release.yaml": "version: 11" }))).toBe(false);
    expect(await tip.everyContentOf("specs/demo/release.yaml")).toHaveLength(500);
    expect(await git("log", "-1", "--format=%ct", (await tip.lastCommitOf("specs/demo")) ?? "")).toBe("1000004990\n");
    // one process per commit would take at least half a minute
    expect((performance.now() - started) / 1000).toBeLessThan(10);
  });

  it("holds a commit whose followers are older by their dates, and none of another branch", async () => {
    await open();
    const tree = await treeOf(gitOn(directory), null);
    const at = async (seconds: number, parent: string | null) => {
      const date = `${seconds} +0000`;
      const env = { ...IDENTITY, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
      const parents = parent === null ? [] : ["-p", parent];
      return (await gitOn(directory).run(["commit-tree", tree, ...parents, "-m", "m"], { env })).trim();
    };
    const first = await at(1_700_000_000, await at(1_600_000_000, null));
    let tip = first;
    for (let nth = 0; nth < 12; nth += 1) tip = await at(1_000_000_000 + nth, tip);
    expect(await isAncestor(gitOn(directory), first, tip)).toBe(true);
    expect(await isAncestor(gitOn(directory), tip, tip)).toBe(true);
    expect(await isAncestor(gitOn(directory), await at(1_700_000_001, null), tip)).toBe(false);
    await expect(isAncestor(gitOn(directory), "1".repeat(40), tip)).rejects.toMatchObject({
      code: "RepositoryUnusable",
    });
  });

  it("has the last change where git finds it, in whatever way branches were merged", async () => {
    await open();
    const paths = ["specs/a", "specs/b", "specs"];
    let seed = 7;
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    const commits = Array.from({ length: 60 }, (_, index) => {
      const mark = index + 1;
      const parents = index === 0 ? [] : [`from :${mark - 1 - random(Math.min(index, 3))}`];
      const other = index > 4 && random(2) === 0 ? [`merge :${mark - 1 - random(4)}`] : [];
      const changes = random(3) > 0 ? [] : [`M 100644 inline specs/${"ab"[random(2)]}\ndata 1\n${random(3)}`];
      const removals = random(12) === 0 ? [`D specs/${"ab"[random(2)]}`] : [];
      const head = `commit refs/heads/main\nmark :${mark}\ncommitter a <a@localhost> ${1_000_000_000 + random(9)} +0000\ndata 1\nm`;
      return [head, ...parents, ...other, ...changes, ...removals, ""].join("\n");
    });
    await gitOn(directory).run(["fast-import", "--quiet", "--force"], { input: commits.join("\n") });
    const tips = (await git("rev-list", "main")).trim().split("\n");
    expect((await git("rev-list", "--merges", "main")).trim().split("\n").length).toBeGreaterThan(5);
    for (const tip of tips) {
      const tree = treeAt(gitOn(directory), tip);
      for (const path of paths) {
        const wanted = (await git("rev-list", "-1", tip, "--", path)).trim();
        expect(await tree.lastCommitOf(path), `${path} of ${tip}`).toBe(wanted === "" ? null : wanted);
      }
    }
  });

  it("of a clone that is cut off begins where git says", async () => {
    await open();
    const input = stream(5, (index) => ({ path: "specs/a", content: `${Math.min(index, 2)}` }));
    await gitOn(directory).run(["fast-import", "--quiet"], { input });
    const clone = join(folder, "clone.git");
    const env = { GIT_ALLOW_PROTOCOL: "file" };
    await gitOn(null).run(["clone", "--quiet", "--bare", "--depth", "2", `file://${directory}`, clone], { env });
    const wanted = (await gitOn(clone).run(["rev-list", "-1", "HEAD", "--", "specs/a"])).trim();
    const tip = (await gitOn(clone).run(["rev-parse", "HEAD"])).trim();
    expect(wanted).toBe((await gitOn(clone).run(["rev-parse", "HEAD^"])).trim());
    expect(await treeAt(gitOn(clone), tip).lastCommitOf("specs/a")).toBe(wanted);
  });

  it("includes what only a merged branch had", async () => {
    const repository = await open();
    const commit = (text: string, ...parents: string[]) =>
      gitOn(directory)
        .run(["hash-object", "-w", "--stdin"], { input: text })
        .then((blob) => gitOn(directory).run(["mktree"], { input: `100644 blob ${blob.trim()}\ta\n` }))
        .then((tree) => gitOn(directory).run(["mktree"], { input: `040000 tree ${tree.trim()}\tspecs\n` }))
        .then((tree) => {
          const ancestry = parents.flatMap((parent) => ["-p", parent]);
          return gitOn(directory).run(["commit-tree", tree.trim(), ...ancestry, "-m", text], { env: IDENTITY });
        })
        .then((id) => id.trim());
    const base = await commit("base");
    const side = await commit("side", base);
    const main = await commit("main", base);
    await git("update-ref", "refs/heads/main", await commit("main", main, side));
    const tip = await repository.tip();
    for (const text of ["base", "side", "main"]) expect(await tip.everHeld("specs", files({ a: text }))).toBe(true);
    expect(await tip.everyContentOf("specs/a")).toHaveLength(3);
    expect(await tip.lastCommitOf("specs/a")).toBe(main);
  });
});

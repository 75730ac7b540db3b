import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { type Git, gitOn } from "../../controller/adapters/git/git.ts";
import { recordedEffects } from "../../controller/adapters/git/recorded-effects.ts";
import { treeOf, writeCommit } from "../../controller/adapters/git/write-commit.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { recordMessage } from "../../controller/domain/record-commit.ts";
import { entryOf } from "../contracts/record-repository-contract.ts";
import { makeRemote, openRemote, REPOSITORY_OPTIONS } from "../repositories.ts";

let folder = "";
let remote = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  remote = await makeRemote(join(folder, "remote.git"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("effects that a branch holds", () => {
  const BODY = (release: string) =>
    recordMessage([
      { release, specDigest: digestOf(release), idempotencyKey: sha256Hex(release), summary: "released" },
    ]);
  const commit = async (parent: string | null, message: string) => {
    const tree = await treeOf(gitOn(remote), parent);
    return writeCommit(gitOn(remote), { parent, tree, message }, REPOSITORY_OPTIONS.committer);
  };
  const effect = (release: string) => ({ release, idempotencyKey: sha256Hex(release) });

  it("are read once, the newest commit of each, and only of the history that the tip has", async () => {
    const runs: string[] = [];
    const watched: Git = {
      ...gitOn(remote),
      run: (args, ...rest) => (runs.push(args[0] ?? ""), gitOn(remote).run(args, ...rest)),
    };
    const effects = recordedEffects(watched);
    expect((await effects.upTo(null))(effect("a"))).toBeUndefined();
    const first = await commit(null, BODY("a"));
    const second = await commit(await commit(first, "a word about Idempotency-Key: nothing\n"), BODY("b"));
    const held = await effects.upTo(second);
    expect([held(effect("a")), held(effect("b")), held(effect("c"))]).toEqual([first, second, undefined]);
    expect(held({ ...effect("a"), release: "b" })).toBeUndefined();
    const again = await commit(second, BODY("a"));
    expect((await effects.upTo(again))(effect("a"))).toBe(again);
    expect((await effects.upTo(again))(effect("b"))).toBe(second);
    const own = await commit(again, BODY("c"));
    effects.add(own, second, BODY("c")); // of another parent than the last tip: it is to be read
    effects.add(own, again, BODY("c"));
    const before = runs.length;
    expect((await effects.upTo(own))(effect("c"))).toBe(own);
    expect(runs).toHaveLength(before);
    const rewritten = await commit(first, BODY("d"));
    const cut = recordedEffects({
      ...gitOn(remote),
      run: async (args, ...rest) => {
        if (args[0] === "merge-base") throw new ReleaseError("RepositoryUnusable", "not a commit", "look");
        return gitOn(remote).run(args, ...rest);
      },
    });
    await cut.upTo(own);
    expect((await cut.upTo(rewritten))(effect("c")), "what is gone is no history").toBeUndefined();
    const other = await effects.upTo(rewritten);
    expect(["a", "b", "c", "d"].map((release) => other(effect(release)))).toEqual([
      first,
      undefined,
      undefined,
      rewritten,
    ]);
  });
});

it("a branch of many commits is kept in a few packs, and nothing of it is lost", async () => {
  const { records } = await openRemote(remote, join(folder, "mirrors"));
  for (let nth = 0; nth < 70; nth += 1) {
    await records.commit(entryOf(`r${nth}`, "release", { "a.json": `${nth}`, "b.json": `${nth % 7}` }));
  }
  const [mirror = ""] = (await readdir(join(folder, "mirrors"))).filter((name) => name.endsWith(".git"));
  const mirrored = gitOn(join(folder, "mirrors", mirror));
  const packs = Number(/^packs: (\d+)$/m.exec(await mirrored.run(["count-objects", "-v"]))?.[1]);
  expect(packs).toBeGreaterThan(0);
  expect(packs).toBeLessThan(45);
  expect(await mirrored.run(["fsck", "--connectivity-only"])).not.toMatch(/missing|broken|error/);
  expect((await (await records.tip()).list("records")).length).toBe(70);
}, 60_000);

import { describe, expect, it } from "vitest";
import { demoSpec } from "../../test/fakes/demo-release.ts";
import { fakeReleaseStore } from "../../test/fakes/release-store.ts";
import { fakeSpecRepository } from "../../test/fakes/spec-repository.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { CommitVerifier } from "../ports/commit-verifier.ts";
import { type FollowedSource, type ReadFolders, syncSource } from "./sync-source.ts";

const SIGNAL = new AbortController().signal;
const SOURCE: FollowedSource = {
  ...{ name: "releases", namespace: "imgrel-system", repository: "https://git.example/releases.git", path: "specs" },
  ...{ allowedClasses: ["local"], allowedSigners: null },
};

function branch(
  signature: Awaited<ReturnType<CommitVerifier["signatureOf"]>> = { good: false, why: "it is not signed" },
) {
  const specs = fakeSpecRepository();
  const releases = fakeReleaseStore();
  const asked: string[] = [];
  const commits: CommitVerifier = {
    signatureOf: async (commit) => {
      asked.push(commit);
      return signature;
    },
  };
  const commit = async (path: string, content: string | null) =>
    (await specs.commit(async () => ({ changes: [{ path, content }], message: path }))).commit;
  const merge = (name: string, text = demoSpec()) =>
    commit(`specs/${name}/release.yaml`, text.replace("name: demo", `name: ${name}`));
  const folders: string[] = [];
  const read: ReadFolders = new Map();
  const watched = {
    tip: async () => {
      const tip = await specs.tip();
      const readDirectory = (path: string) => {
        folders.push(path);
        return tip.readDirectory(path);
      };
      return { ...tip, readDirectory };
    },
  };
  const sync = (over: Partial<FollowedSource> = {}) =>
    syncSource({ specs: watched, commits, releases, read }, { ...SOURCE, ...over }, SIGNAL);
  return { specs, releases, asked, folders, commit, merge, sync };
}

describe("a branch", () => {
  it("gives one object for each folder, of the last commit that touched it", async () => {
    const { commit, merge, sync, releases } = branch();
    const first = await merge("demo");
    await commit("README.md", "unrelated");
    const second = await merge("other");
    expect(await sync()).toEqual({ commit: second, created: ["demo", "other"], orphaned: new Map(), problems: [] });
    expect(releases.objects.get("demo")?.spec.source.commit).toBe(first);
    expect(await sync()).toMatchObject({ created: [], problems: [] });
    expect(releases.writes()).toBe(2);
  });
  it("is read where it is new: folders whose objects have their content are not", async () => {
    const { merge, commit, sync, folders, releases } = branch();
    for (const name of ["one", "two"]) await merge(name);
    await sync();
    await commit("README.md", "unrelated");
    folders.length = 0;
    await sync();
    expect(folders).toEqual([]);
    await merge("two", demoSpec().replace("2026.11.23-1", "2026.11.23-2"));
    for (const _ of [1, 2]) expect((await sync()).problems).toMatchObject([{ name: "two", reason: "VersionReused" }]);
    releases.objects.delete("one");
    expect((await sync()).created).toEqual(["one"]);
    expect(new Set(folders)).toEqual(new Set(["specs/two", "specs/one"]));
  });
  it("without a commit gives none", async () => {
    expect(await branch().sync()).toEqual({ commit: null, created: [], orphaned: new Map(), problems: [] });
  });
  it("tells what is wrong with a folder and makes the others", async () => {
    const { merge, commit, sync } = branch();
    await merge("bad", demoSpec().replace("className: local", "className: 7"));
    await commit("specs/empty/notes.txt", "nothing");
    await merge("good");
    const { created, problems } = await sync();
    expect(created).toEqual(["good"]);
    expect(problems.map(({ name, reason }) => [name, reason])).toEqual([
      ["bad", "SpecInvalid"],
      ["empty", "SpecInvalid"],
    ]);
    expect(problems[0]?.message).toMatch(/^specs\/bad\/release.yaml:7:\d+: spec.className: /);
  });
  it("labels what is gone from it", async () => {
    const { merge, commit, sync, releases } = branch();
    await merge("demo");
    await sync();
    await commit("specs/demo/release.yaml", null);
    expect((await sync()).orphaned).toEqual(new Map([["demo", true]]));
    expect(releases.orphaned()).toEqual(["demo"]);
  });
});

describe("signatures", () => {
  it("are asked for where the source wants them, and only of what is new", async () => {
    const { merge, sync, asked } = branch({ good: true, principal: "alice", fingerprint: "SHA256:x" });
    const commit = await merge("demo");
    expect((await sync({ allowedSigners: "alice ssh-ed25519 AAAA" })).created).toEqual(["demo"]);
    await sync({ allowedSigners: "alice ssh-ed25519 AAAA" });
    expect(asked).toEqual([commit]);
  });
  it("that are missing keep a release out", async () => {
    const { merge, sync } = branch();
    await merge("demo");
    const { created, problems } = await sync({ allowedSigners: "alice ssh-ed25519 AAAA" });
    expect([created, problems.map(({ reason }) => reason)]).toEqual([[], ["SignatureInvalid"]]);
  });
});

describe("the cluster", () => {
  it("that refuses one object gets the others", async () => {
    const { merge, sync, releases } = branch();
    await merge("a");
    await merge("b");
    releases.refuse("a", new ReleaseError("SpecInvalid", "spec.inputs: no", "correct it"));
    expect(await sync()).toMatchObject({ created: ["b"], problems: [{ name: "a", message: "spec.inputs: no" }] });
  });
  it("that is away ends the look", async () => {
    const { merge, sync, releases } = branch();
    await merge("a");
    releases.refuse("a", new ReleaseError("RepositoryUnavailable", "away", "wait"));
    await expect(sync()).rejects.toThrow("away");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { demoSpec } from "../../test/fakes/demo-release.ts";
import { readReleaseFolder } from "./release-folder.ts";
import { type FolderContent, folderContent, LABELS, releaseObject } from "./release-object.ts";
import { decideSync, type KnownRelease, type SpecFolder } from "./source-sync.ts";

const SOURCE = {
  ...{ name: "releases", namespace: "imgrel-system", repository: "https://git.example/releases.git", path: "specs" },
  allowedClasses: ["local"],
};
const COMMIT = "a".repeat(40);

function folderOf(name: string, change: (text: string) => string = (text) => text): FolderContent {
  const text = change(demoSpec()).replace("name: demo", `name: ${name}`);
  const files = new Map([["release.yaml", new TextEncoder().encode(text)]]);
  return folderContent(readReleaseFolder(name, `specs/${name}`, files));
}
const valid = (name: string, change?: (text: string) => string, commit = COMMIT): SpecFolder => ({
  ...{ kind: "valid", folder: folderOf(name, change), commit, refused: null },
});
const onPlatform = (platform: string) => (text: string) =>
  text.replace("variant: raw, arch: amd64", `variant: raw, arch: amd64, platformName: ${platform}`);

function knownOf(name: string, over: Partial<KnownRelease> = {}): KnownRelease {
  const folder = folderOf(name);
  return {
    ...{ name, source: "releases", specDigest: folder.specDigest, version: "2026.11.23-1", commit: COMMIT },
    ...{ platforms: [], orphaned: false, ...over },
  };
}

const reasons = (folders: SpecFolder[], known: KnownRelease[] = []) =>
  decideSync(SOURCE, folders, known).problems.map(({ name, reason }) => `${name} ${reason}`);

describe("objects", () => {
  it("are made of folders that have none", () => {
    const folder = folderOf("demo");
    const { apply, problems } = decideSync(SOURCE, [valid("demo")], []);
    expect(problems).toEqual([]);
    expect(apply).toEqual([releaseObject(SOURCE, folder, COMMIT)]);
    expect(apply[0]).toMatchObject({
      metadata: { name: "demo", namespace: "imgrel-system", labels: { [LABELS.source]: "releases" } },
      spec: {
        className: "local",
        source: {
          ...{ repository: SOURCE.repository, commit: COMMIT, path: "specs/demo/release.yaml", lock: {} },
          specDigest: folder.specDigest,
        },
      },
    });
  });
  it("with the same content are left alone", () => {
    expect(decideSync(SOURCE, [valid("demo")], [knownOf("demo")])).toEqual({
      ...{ apply: [], problems: [], orphaned: new Map() },
    });
  });
  it("whose folder is gone are labelled once, and again when it is back", () => {
    expect(decideSync(SOURCE, [], [knownOf("demo")]).orphaned).toEqual(new Map([["demo", true]]));
    expect(decideSync(SOURCE, [], [knownOf("demo", { orphaned: true })]).orphaned).toEqual(new Map());
    const same: SpecFolder = { kind: "same", name: "demo" };
    expect(decideSync(SOURCE, [same], [knownOf("demo")])).toEqual({ apply: [], problems: [], orphaned: new Map() });
    expect(decideSync(SOURCE, [same], [knownOf("demo", { orphaned: true })]).orphaned).toEqual(
      new Map([["demo", false]]),
    );
    const back = decideSync(SOURCE, [valid("demo")], [knownOf("demo", { orphaned: true })]);
    expect([back.apply, back.orphaned]).toEqual([[], new Map([["demo", false]])]);
    const broken: SpecFolder = { kind: "invalid", name: "demo", message: "release.yaml:1:1: no" };
    expect(decideSync(SOURCE, [broken], [knownOf("demo")]).orphaned).toEqual(new Map());
  });
  it("of another source are neither labelled nor taken over", () => {
    expect(decideSync(SOURCE, [], [knownOf("demo", { source: "other" })]).orphaned).toEqual(new Map());
    expect(reasons([valid("demo")], [knownOf("demo", { source: "other" })])).toEqual(["demo NotFromGit"]);
    expect(reasons([valid("demo")], [knownOf("demo", { source: null, specDigest: null })])).toEqual([
      "demo NotFromGit",
    ]);
  });
});

describe("what a folder may not ask for", () => {
  it("a name or version again, with other content", () => {
    const curl = valid("demo", (text) =>
      text.replace("    sourceDateEpoch", "    packages: [curl]\n    sourceDateEpoch"),
    );
    expect(reasons([curl], [knownOf("demo")])).toEqual(["demo VersionReused"]);
    const newer = valid("demo", (text) => text.replace("2026.11.23-1", "2026.11.24-1"));
    const { apply, problems } = decideSync(SOURCE, [newer], [knownOf("demo")]);
    expect(apply).toEqual([]);
    expect(problems[0]?.message).toMatch("demo was version 2026.11.23-1, and is 2026.11.24-1 now");
  });
  it("a class that its source may not use", () => {
    const { apply, problems } = decideSync({ ...SOURCE, allowedClasses: ["stable", "beta"] }, [valid("demo")], []);
    expect(apply).toEqual([]);
    expect(problems).toEqual([
      {
        ...{ name: "demo", reason: "ClassNotAllowed" },
        message: "class local is not one that this source may use: stable, beta",
      },
    ]);
  });
  it("anything by a commit that its source does not take", () => {
    const folder: SpecFolder = { kind: "valid", folder: folderOf("demo"), commit: COMMIT, refused: "it is not signed" };
    expect(decideSync(SOURCE, [folder], [])).toMatchObject({
      apply: [],
      problems: [{ name: "demo", reason: "SignatureInvalid", message: `commit ${COMMIT}: it is not signed` }],
    });
    expect(reasons([folder], [knownOf("demo")])).toEqual([]); // it was taken when it was made
  });
  it("a platform that another release of the same commit has", () => {
    const [a, b] = [valid("a", onPlatform("pi")), valid("b", onPlatform("pi"))];
    expect(reasons([b, a])).toEqual(["b PlatformCommitReused"]);
    expect(reasons([a, valid("b", onPlatform("pi"), "b".repeat(40))])).toEqual([]);
    expect(reasons([b], [knownOf("a", { platforms: ["pi"] })])).toEqual(["b PlatformCommitReused"]);
    expect(reasons([b], [knownOf("a", { platforms: ["pi"], source: "other" })])).toEqual([]);
  });
  it("to be read although it is broken", () => {
    const broken: SpecFolder = { kind: "invalid", name: "demo", message: "release.yaml:1:1: no" };
    expect(reasons([broken, valid("a")])).toEqual(["demo SpecInvalid"]);
  });
});

describe("any branch", () => {
  const names = fc.uniqueArray(fc.constantFrom<string>("a", "b", "c", "d"), { maxLength: 4 });
  it("is at rest once its plan was carried out, and writes over nothing", () => {
    fc.assert(
      fc.property(names, names, (inBranch, inCluster) => {
        const folders = inBranch.map((name) => valid(name));
        const known = inCluster.map((name) => knownOf(name));
        const plan = decideSync(SOURCE, folders, known);
        const created = plan.apply.map(({ metadata }) => metadata.name);
        expect(created.filter((name) => inCluster.includes(name))).toEqual([]);
        const after = [
          ...known.map((one) => ({ ...one, orphaned: plan.orphaned.get(one.name) ?? one.orphaned })),
          ...created.map((name) => knownOf(name)),
        ];
        expect(decideSync(SOURCE, folders, after)).toEqual({ apply: [], problems: [], orphaned: new Map() });
      }),
    );
  });
});

import { describe, expect, it } from "vitest";
import { DEMO_TOOLCHAIN, demoArchive, demoSpec } from "../../test/fakes/demo-release.ts";
import { fakePackageArchive } from "../../test/fakes/package-archive.ts";
import { lockDigest, serializeLock } from "../../builders/contract/lock.ts";
import { composeLock, releaseRequest, toolchainRequest } from "./lock-request.ts";
import {
  checkTools,
  readReleaseFolder,
  releaseDigest,
  releaseFiles,
  sameInputs,
  versionsIn,
} from "./release-folder.ts";
import { committedToolchainLock, readToolchainLock, toolchainDigest, toolchainFiles } from "./toolchain-locks.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const { signal } = new AbortController();
const PLACE = "specs/demo";

async function made(spec = demoSpec(), dracut = "1.0-1") {
  const { archive } = fakePackageArchive(demoArchive("20261122T000000Z", { dracut }));
  const request = toolchainRequest(DEMO_TOOLCHAIN, "amd64");
  const toolchain = composeLock(request, await archive.resolve(request, signal), null);
  const open = readReleaseFolder("demo", PLACE, new Map([["release.yaml", bytes(spec)]]));
  const wanted = releaseRequest(open.release.spec, "amd64");
  const lock = composeLock(wanted, await archive.resolve(wanted, signal), lockDigest(toolchain));
  return { toolchain, lock, folder: { ...open, locks: new Map([["amd64" as const, lock]]) } };
}

const filesOf = (files: ReadonlyMap<string, string>) => new Map([...files].map(([name, text]) => [name, bytes(text)]));

describe("a release's folder", () => {
  it("is read back as it is written", async () => {
    const { folder } = await made();
    expect(readReleaseFolder("demo", PLACE, filesOf(releaseFiles(folder)))).toEqual(folder);
  });

  it("is refused with a lock that is not its own; only a bump takes that, to compare with", async () => {
    const { folder, lock } = await made();
    const files = filesOf(releaseFiles(folder));
    files.set("release.yaml", bytes(demoSpec("    packages: [curl]\n")));
    expect(() => readReleaseFolder("demo", PLACE, files)).toThrow(/the spec's package curl/);
    expect(readReleaseFolder("demo", PLACE, files, "take").locks.get("amd64")).toEqual(lock);
    files.set("lock.amd64.json", bytes("{"));
    expect(readReleaseFolder("demo", PLACE, files, "take").locks.size).toBe(0);
  });

  it("has another digest with another lock, and the same one while it is only suspended", async () => {
    const { folder } = await made();
    const suspended = readReleaseFolder(
      "demo",
      PLACE,
      filesOf(releaseFiles({ ...folder, text: demoSpec().replace("  className", "  suspend: true\n  className") })),
    );
    expect(suspended.release.spec.suspend).toBe(true);
    expect(releaseDigest(suspended)).toBe(releaseDigest(folder));
    expect(releaseDigest((await made(demoSpec(), "2")).folder)).not.toBe(releaseDigest(folder));
  });

  it("has the same inputs as another only with the same packages and toolchain", async () => {
    const [{ folder, lock }, other] = [await made(), await made(demoSpec(), "2")];
    const locked = (changed: typeof lock) => ({ ...folder, locks: new Map([["amd64" as const, changed]]) });
    const [suite] = lock.suites;
    expect(sameInputs(folder, locked({ ...lock, suites: suite ? [{ ...suite, date: "20270101T000000Z" }] : [] }))).toBe(
      true,
    );
    expect(sameInputs(folder, locked({ ...lock, toolchain: `sha256:${"0".repeat(64)}` }))).toBe(false);
    expect(sameInputs(folder, locked({ ...lock, requested: ["other"] }))).toBe(false);
    expect(sameInputs(folder, other.folder)).toBe(false);
    expect(sameInputs(folder, { ...folder, locks: new Map() })).toBe(false);
  });

  it("is checked against the tools that its spec names", async () => {
    const tools = (version: string) => demoSpec(`    tools: { erofs: "${version}" }\n`);
    const [right, wrong] = [await made(tools("1.0")), await made(tools("1.1"))];
    const toolchains = new Map([["amd64" as const, right.toolchain]]);
    expect(() => checkTools(right.folder, toolchains)).not.toThrow();
    expect(() => checkTools(wrong.folder, toolchains)).toThrow(/erofs 1.1 is asked for/);
    expect(() => checkTools(right.folder, new Map())).toThrow(/the toolchain has no lock for amd64/);
  });
});

describe("versions in past texts", () => {
  it("are those of all that were YAML with a version", () => {
    const texts = [
      demoSpec(),
      demoSpec().replace("11.23-1", "11.23-2"),
      "spec: {version: 3}",
      "spec: [",
      "x",
      "spec: 1",
    ];
    expect(versionsIn([...texts.map(bytes), Uint8Array.of(0xff)])).toEqual(new Set(["2026.11.23-1", "2026.11.23-2"]));
  });
});

describe("a toolchain's lock", () => {
  it("is read back as it is written, under the digest that releases name", async () => {
    const { toolchain, lock } = await made();
    const toolchains = new Map([["amd64" as const, toolchain]]);
    const [[path, text] = ["", ""]] = toolchainFiles(toolchains);
    expect(path).toBe(committedToolchainLock("amd64"));
    expect(readToolchainLock(path, bytes(text), "amd64")).toEqual(toolchain);
    expect(toolchainDigest(toolchains, "amd64")).toBe(lock.toolchain);
  });

  it("is refused as anything else, of another architecture, and in another form", async () => {
    const { toolchain, lock } = await made();
    const read = (text: string, arch: "amd64" | "arm64" = "amd64") => readToolchainLock("lock", bytes(text), arch);
    expect(() => read("{")).toThrow(/lock is not a lock/);
    expect(() => read(serializeLock(lock))).toThrow(/is a release lock for amd64/);
    expect(() => read(serializeLock(toolchain), "arm64")).toThrow(/is a toolchain lock for amd64/);
    expect(() => read(`${serializeLock(toolchain)}\n`)).toThrow(/not in the form that imgrel writes/);
  });
});

import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { parseLock, serializeLock } from "../../builders/contract/lock.ts";
import { ROOT_PACKAGES } from "../../builders/contract/root-packages.ts";
import { blobPath } from "../../builders/host/cache.ts";
import { createAptArchive } from "../../controller/adapters/archive/package-archive.ts";
import { addFetch } from "../../controller/commands/fetch.ts";
import { addLock, type OpenArchive } from "../../controller/commands/lock.ts";
import { readToolchainLock } from "../../controller/commands/lock-files.ts";
import { fakeCommandContext } from "../fakes/command-context.ts";
import { type DebArchive, type FakePackage, poolPathOf, startDebArchive } from "../fakes/deb-archive.ts";
import { makeSigningKey } from "../fakes/openpgp.ts";

const key = makeSigningKey("Archive of tests");
const KERNEL = "linux-image-6.12.117+deb13-amd64";
const DATE = Math.floor(Date.now() / 1000) - 86_400;

const essential: FakePackage = { name: "base-files", version: "13.8", arch: "amd64", fields: { Essential: "yes" } };
const kernel: FakePackage = { name: KERNEL, version: "6.12.117-1", arch: "amd64" };
const openssh: FakePackage = { name: "openssh-server", version: "1:10.0p1-7", arch: "amd64" };
const STABLE = [
  essential,
  kernel,
  openssh,
  ...Object.keys(ROOT_PACKAGES).map((name) => ({ name, version: "1.0-1", arch: "amd64" }) as const),
];

const RELEASE = `apiVersion: releases.powernode.io/v1alpha1
kind: DiskImageRelease
metadata:
  name: node
spec:
  version: "1"
  className: local
  inputs:
    distribution: {archive: debian, suite: trixie}
    kernelPackage: {amd64: "${KERNEL}"}
    packages: [openssh-server]
    sourceDateEpoch: 1795392000
  targets: [{variant: kernel-initrd, arch: amd64}]
`;

let home = "";
let archive: DebArchive;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "imgrel-lock-"));
  await mkdir(join(home, "specs/node"), { recursive: true });
  await mkdir(join(home, "keyrings"));
  await writeFile(join(home, "keyrings/debian-archive-keyring.gpg"), key.keyring);
  await writeFile(join(home, "specs/node/release.yaml"), RELEASE);
  archive = await startDebArchive();
  await publish(STABLE);
});
afterEach(async () => {
  await archive[Symbol.asyncDispose]();
  await rm(home, { recursive: true });
});

const publish = (packages: readonly FakePackage[], date = DATE) =>
  archive.publish({ suite: "trixie", packages, key, date });
const mirrored: OpenArchive = (archives, env) => {
  const { keyring } = archives["debian"] ?? { keyring: "" };
  const sources = [{ kind: "mirror", url: archive.url.href } as const];
  return Promise.resolve(
    createAptArchive({ archives: { debian: { sources, keyring } }, keyrings: join(home, "keyrings"), env }),
  );
};
const lockFile = () => join(home, "specs/node/lock.amd64.json");
const cache = () => join(home, "cache/imgrel");

/** Runs a command line as the program would; its own imgrel toolchain counts as fetched. */
async function imgrel(add: typeof addLock, ...args: string[]): Promise<string> {
  const { context, recorded } = fakeCommandContext({ cwd: home, env: { XDG_CACHE_HOME: join(home, "cache") } });
  const program = new Command().exitOverride();
  add(program, context, mirrored);
  await program.parseAsync(args, { from: "user" });
  return recorded.stdout;
}
const lock = (...args: string[]) => imgrel(addLock, "lock", "specs/node", ...args);
/** The toolchain's own packages are not in the test's archive: files of their size stand in, as if fetched before. */
async function fetch(): Promise<string> {
  for (const { sha256, size } of (await readToolchainLock("amd64")).packages) {
    const path = blobPath(cache(), sha256);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, "");
    await truncate(path, size);
  }
  return imgrel(addFetch, "fetch", "specs/node");
}
const fetched = async (made: FakePackage): Promise<boolean> => {
  const deb = archive.files.get(poolPathOf(made)) ?? Buffer.of();
  const found = await readFile(blobPath(cache(), sha256Hex(deb))).catch(() => undefined);
  return found?.equals(deb) === true;
};

describe("imgrel lock", () => {
  test("writes the release's lock in its canonical form, and says what is in it", async () => {
    const said = await lock();
    expect(said).toMatch(
      /^specs\/node\/lock\.amd64\.json: [0-9]+ packages, [0-9.]+ KiB, from debian trixie of [0-9TZ]{16}\n {2}new\n$/,
    );
    expect(said).toContain(` ${STABLE.length} packages`);
    const text = await readFile(lockFile(), "utf8");
    const made = parseLock(text);
    expect(serializeLock(made)).toBe(text);
    expect(made.requested).toEqual([...Object.keys(ROOT_PACKAGES), KERNEL, "openssh-server"].toSorted());
    expect(made.toolchain).toBe(`sha256:${sha256Hex(serializeLock(await readToolchainLock("amd64")))}`);
    expect(text).not.toContain("127.0.0.1");
  });

  test("says which packages changed since the last lock, and that nothing did", async () => {
    await lock();
    expect(await lock()).toMatch(/\n {2}unchanged\n$/);
    await publish([...STABLE.filter((made) => made !== openssh), { ...openssh, version: "1:10.0p1-8" }], DATE + 60);
    expect(await lock()).toMatch(
      /\n {2}1 upgraded, 0 added, 0 removed\n {2}upgraded openssh-server 1:10\.0p1-7 -> 1:10\.0p1-8 amd64\n$/,
    );
    const json: unknown = JSON.parse(await lock("-o", "json"));
    expect(json).toMatchObject([{ path: "specs/node/lock.amd64.json", packages: STABLE.length, changes: [] }]);
  });

  test("writes nothing if a package is gone, and names it", async () => {
    await lock();
    const before = await readFile(lockFile(), "utf8");
    await publish(STABLE.filter((made) => made !== kernel));
    await expect(lock()).rejects.toMatchObject({
      code: "NotFound",
      message: `debian trixie (amd64) does not have: ${KERNEL}`,
      remedy: expect.stringContaining("imgrel bump") as string,
    });
    expect(await readFile(lockFile(), "utf8")).toBe(before);
  });

  test("replaces a lock that does not fit its spec any more", async () => {
    await lock();
    await writeFile(lockFile(), "{}");
    expect(await lock()).toMatch(/\n {2}new\n$/);
  });

  test("refuses tools in other versions than the spec names", async () => {
    await writeFile(
      join(home, "specs/node/release.yaml"),
      RELEASE.replace("    sourceDateEpoch", '    tools: {dracut: "2"}\n    sourceDateEpoch'),
    );
    await expect(lock()).rejects.toMatchObject({
      code: "ToolchainMismatch",
      message: expect.stringContaining("dracut 2 is asked for, the lock has 1.0-1") as string,
    });
    expect(await readdir(join(home, "specs/node"))).toEqual(["release.yaml"]);
  });

  test.each([
    ["neither folder nor --toolchain", ["lock"]],
    ["both", ["lock", "specs/node", "--toolchain"]],
    ["two roots", ["lock", "--toolchain", "--controller"]],
    ["an architecture without a target", ["lock", "specs/node", "--arch", "arm64"]],
  ])("%s is wrong usage", async (_what, args) => {
    await expect(imgrel(addLock, ...args)).rejects.toMatchObject({ code: "Usage", exitCode: 2 });
  });

  test("a class of another name than the spec's is an error", async () => {
    await writeFile(join(home, "specs/node/release.yaml"), RELEASE.replace("className: local", "className: other"));
    await expect(lock()).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("is of class other") as string,
    });
  });
});

describe("imgrel fetch", () => {
  test("brings the locked packages into the cache", async () => {
    await lock();
    expect(await fetch()).toMatch(/^[0-9]+ packages \([0-9.]+ MiB\) are in the cache\n$/);
    for (const made of STABLE) expect(await fetched(made)).toBe(true);
  });

  test("after the index moved on: names all packages that are gone, says what to run, and a new lock works", async () => {
    await lock();
    const newer = STABLE.map((made) =>
      made === openssh || made === essential ? { ...made, version: `${made.version}+deb13u1` } : made,
    );
    for (const made of [openssh, essential]) archive.files.delete(poolPathOf(made));
    await publish(newer, DATE + 60);
    await expect(fetch()).rejects.toMatchObject({
      code: "StaleLock",
      exitCode: 4,
      message:
        "no source that answers has 2 packages of specs/node for amd64 any more:\n  base-files 13.8 amd64\n  openssh-server 1:10.0p1-7 amd64",
      remedy: "run: imgrel bump specs/node",
    });
    expect(await fetched(kernel)).toBe(true);
    await lock();
    await fetch();
    for (const made of newer) expect(await fetched(made)).toBe(true);
  });

  test("other bytes in the archive than locked are refused with both hashes, and not kept", async () => {
    await lock();
    const right = archive.files.get(poolPathOf(openssh)) ?? Buffer.of();
    const wrong = Buffer.from(right);
    wrong[100] = (wrong[100] ?? 0) ^ 1;
    archive.files.set(poolPathOf(openssh), wrong);
    const error: unknown = await fetch().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ failure: { code: "InputDigestMismatch" } });
    for (const part of ["openssh-server 1:10.0p1-7 amd64", sha256Hex(right), sha256Hex(wrong)])
      expect((error as Error).message).toContain(part);
    const kept = await readdir(cache(), { recursive: true });
    for (const hash of [right, wrong].map((deb) => sha256Hex(deb)))
      expect(kept.filter((name) => name.includes(hash))).toEqual([]);
  });

  test("needs a lock, and one that names the toolchain of this checkout", async () => {
    await expect(fetch()).rejects.toMatchObject({ code: "InputMissing", remedy: "run: imgrel lock specs/node" });
    await lock();
    const other = { ...parseLock(await readFile(lockFile(), "utf8")), toolchain: `sha256:${"0".repeat(64)}` };
    await writeFile(lockFile(), serializeLock(other));
    await expect(fetch()).rejects.toMatchObject({
      code: "StaleLock",
      message: expect.stringContaining("was made for toolchain sha256:0000") as string,
    });
  });
});

import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { serializeLock } from "../../builders/contract/lock.ts";
import type { ResolveRequest } from "../../builders/contract/package-request.ts";
import { createAptArchive } from "../../controller/adapters/archive/package-archive.ts";
import type { ArchiveSource } from "../../controller/domain/class.ts";
import { composeLock } from "../../controller/domain/lock-request.ts";
import { type DebArchive, type FakePackage, poolPathOf, startDebArchive } from "../fakes/deb-archive.ts";
import {
  base,
  DATE,
  dracut,
  kernel,
  key,
  libc,
  mirror,
  otherKey,
  request,
  STABLE,
  stableSuite,
  stamp,
} from "../fakes/stable-suite.ts";

const signal = new AbortController().signal;

let keyrings = "";
beforeAll(async () => {
  keyrings = await mkdtemp(join(tmpdir(), "imgrel-keyrings-"));
  await writeFile(join(keyrings, "test.gpg"), key.keyring);
});
afterAll(() => rm(keyrings, { recursive: true }));

let archive: DebArchive;
beforeEach(async () => {
  archive = await startDebArchive();
});
afterEach(() => archive[Symbol.asyncDispose]());

const open = (sources: readonly ArchiveSource[]) =>
  createAptArchive({ archives: { test: { sources, keyring: "test.gpg" } }, keyrings, env: {} });
const resolve = (more: Partial<ResolveRequest> = {}, sources: readonly ArchiveSource[] = [mirror(archive.url)]) =>
  open(sources).resolve({ ...request, ...more }, signal);
const publish = (
  packages: readonly FakePackage[] = STABLE,
  more: { suite?: string; validUntil?: number; date?: number } = {},
) => archive.publish(stableSuite({ packages, ...more }));
const versions = (packages: readonly { name: string; version: string; suite: string }[]) =>
  packages.map(({ name, version, suite }) => `${name} ${version} ${suite}`).toSorted();

describe("a lock", () => {
  test("holds the essential packages, what was asked for and what that needs, exactly as the index has them", async () => {
    await publish();
    const resolution = await resolve();
    expect(versions(resolution.packages)).toEqual([
      "base 1:13.8+deb13u8 stable",
      "dracut 106-6 stable",
      "libc 2.41-12 stable",
      "linux-image-6.12.1-amd64 6.12.1-1 stable",
    ]);
    for (const made of [base, libc, kernel, dracut]) {
      const deb = archive.files.get(poolPathOf(made)) ?? Buffer.of();
      expect(resolution.packages.find(({ name }) => name === made.name)).toEqual({
        name: made.name,
        version: made.version,
        arch: made.arch ?? "all",
        size: deb.length,
        sha256: sha256Hex(deb),
        path: poolPathOf(made),
        role: "target",
        suite: "stable",
      });
    }
    expect(resolution.suites).toEqual([
      {
        archive: "test",
        suite: "stable",
        components: ["main"],
        snapshot: null,
        inRelease: `sha256:${sha256Hex(archive.files.get("dists/stable/InRelease") ?? "")}`,
        date: stamp(DATE),
        keyring: "test.gpg",
        rolling: false,
      },
    ]);
    const lock = serializeLock(composeLock(request, resolution, `sha256:${"0".repeat(64)}`));
    expect(lock).not.toContain("127.0.0.1");
    expect(lock).not.toContain("http");
  });

  test("is of the architecture asked for, whatever this machine is", async () => {
    const arm = { ...base, arch: "arm64" } as const;
    await publish([arm, { ...libc, arch: "arm64" }, dracut]);
    const { packages } = await resolve({ arch: "arm64", packages: ["dracut"] });
    expect(packages.map(({ name, arch }) => `${name} ${arch}`).toSorted()).toEqual([
      "base arm64",
      "dracut all",
      "libc arm64",
    ]);
  });

  test("has apt only if something needs it, although apt counts itself as essential", async () => {
    await publish([...STABLE, { name: "apt", version: "3.0.4", arch: "amd64" }]);
    const names = async (packages: readonly string[]) => (await resolve({ packages })).packages.map(({ name }) => name);
    expect(await names(["dracut"])).not.toContain("apt");
    expect(await names(["dracut", "apt"])).toContain("apt");
  });

  test("is the same from every start", async () => {
    await publish();
    expect(await resolve()).toEqual(await resolve());
  });

  test("can be made where the folder for temporary files has a space in its name", async () => {
    await publish();
    const folder = await mkdtemp(join(keyrings, "with space "));
    vi.stubEnv("TMPDIR", folder);
    try {
      expect((await resolve()).packages.length).toBe(4);
      expect(await readdir(folder)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("lists the kernels that could be named", async () => {
    await publish([...STABLE, { ...kernel, name: "linux-image-6.12.2-amd64", version: "6.12.2-1" }]);
    expect(await open([mirror(archive.url)]).kernels(request, signal)).toEqual([
      { name: "linux-image-6.12.1-amd64", version: "6.12.1-1" },
      { name: "linux-image-6.12.2-amd64", version: "6.12.2-1" },
    ]);
  });
});

describe("packages that are not there", () => {
  test("are all named", async () => {
    await publish();
    await expect(resolve({ packages: ["dracut", "nosuch", "linux-image-6.12.0-amd64"] })).rejects.toMatchObject({
      code: "NotFound",
      message: "test stable (amd64) does not have: nosuch, linux-image-6.12.0-amd64",
      remedy: expect.stringContaining("imgrel bump") as string,
    });
  });

  test("a name is never taken for a pattern or for an order to remove", async () => {
    await publish();
    await expect(resolve({ packages: ["dra.ut"] })).rejects.toMatchObject({
      code: "NotFound",
      message: "test stable (amd64) does not have: dra.ut",
    });
    await expect(resolve({ packages: ["dracut-"] })).rejects.toMatchObject({ code: "NotFound" });
  });

  test("a virtual name must be replaced by a real one", async () => {
    await publish([...STABLE, { name: "exim", version: "1", fields: { Provides: "mail-agent" } }]);
    await expect(resolve({ packages: ["mail-agent"] })).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("mail-agent") as string,
    });
  });

  test("what cannot be installed together is said in apt's words", async () => {
    await publish([...STABLE, { name: "picky", version: "1", fields: { Depends: "libc (>= 3)" } }]);
    await expect(resolve({ packages: ["picky"] })).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("picky : Depends: libc (>= 3)") as string,
    });
  });
});

describe("a signature", () => {
  const invalid = { code: "SignatureInvalid" };

  test("by another key is refused", async () => {
    await archive.publish(stableSuite({ key: otherKey }));
    await expect(resolve()).rejects.toMatchObject(invalid);
  });

  test("that does not fit the text is refused", async () => {
    await publish();
    const text = archive.files.get("dists/stable/InRelease")?.toString() ?? "";
    archive.files.set("dists/stable/InRelease", Buffer.from(text.replace("Label: Test", "Label: Text")));
    await expect(resolve()).rejects.toMatchObject(invalid);
  });

  test("that is missing is refused", async () => {
    await publish();
    const text = archive.files.get("dists/stable/InRelease")?.toString() ?? "";
    archive.files.delete("dists/stable/InRelease");
    archive.files.set("dists/stable/Release", Buffer.from(text.split("\n\n")[1]?.split("\n-----")[0] ?? ""));
    await expect(resolve()).rejects.toMatchObject(invalid);
  });

  test("that is wrong at a mirror ends the search: the next one is not asked", async () => {
    await archive.publish(stableSuite({ key: otherKey }));
    await using good = await startDebArchive();
    await good.publish(stableSuite());
    await expect(resolve({}, [mirror(archive.url), mirror(good.url)])).rejects.toMatchObject(invalid);
    expect(good.requests).toEqual([]);
  });

  test("covers the index of packages: a changed one is refused", async () => {
    await publish();
    const path = "dists/stable/main/binary-amd64/Packages";
    const text = archive.files.get(path)?.toString() ?? "";
    archive.files.set(path, Buffer.from(text.replace("106-6", "106-7")));
    await expect(resolve()).rejects.toMatchObject({
      code: "ArchiveUnavailable",
      message: expect.stringContaining("Hash Sum mismatch") as string,
    });
  });
});

describe("a rolling suite", () => {
  const PAST = { date: DATE - 864_000, validUntil: DATE - 3600 };
  const tool: FakePackage = {
    name: "composefs",
    version: "1.0.8-3",
    arch: "amd64",
    fields: { Depends: "libcomposefs (= 1.0.8-3), libc" },
  };
  const library: FakePackage = {
    name: "libcomposefs",
    version: "1.0.8-3",
    arch: "amd64",
    fields: { Source: "composefs" },
  };
  const ROLLING: FakePackage[] = [
    { ...base, version: "1:14" },
    { ...libc, version: "2.43-1" },
    { ...dracut, version: "110-1" },
    { name: "novel", version: "1", arch: "amd64", fields: { Essential: "yes" } },
    tool,
    library,
  ];
  const rolling = [{ name: "composefs", suite: "rolling", minVersion: "1.0.8" }];

  test("gives the named package and what only it has; all else stays, although newer there, past its Valid-Until", async () => {
    await publish();
    await publish(ROLLING, { suite: "rolling", ...PAST });
    const { suites, packages } = await resolve({ packages: ["dracut"], rolling });
    expect(versions(packages)).toEqual([
      "base 1:13.8+deb13u8 stable",
      "composefs 1.0.8-3 rolling",
      "dracut 106-6 stable",
      "libc 2.41-12 stable",
      "libcomposefs 1.0.8-3 rolling",
    ]);
    expect(suites.map((suite) => [suite.suite, suite.rolling, suite.date])).toEqual([
      ["stable", false, stamp(DATE)],
      ["rolling", true, stamp(PAST.date)],
    ]);
  });

  test("gives the other packages of the same source where there is no other way", async () => {
    await publish([...STABLE, { ...library, version: "1.0.3-1" }]);
    await publish(ROLLING, { suite: "rolling", ...PAST });
    const { packages } = await resolve({ packages: ["dracut"], rolling });
    expect(versions(packages)).toContain("libcomposefs 1.0.8-3 rolling");
    expect(versions(packages)).toContain("libc 2.41-12 stable");
  });

  test("never gives what another source has: rather there is no lock", async () => {
    await publish();
    const needsNewer = { ...tool, fields: { Depends: "libc (>= 2.43)" } };
    await publish([needsNewer, { ...libc, version: "2.43-1" }], { suite: "rolling", ...PAST });
    await expect(resolve({ rolling })).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("libc (>= 2.43)") as string,
    });
  });

  test("must have the version asked for", async () => {
    await publish();
    await publish(ROLLING, { suite: "rolling", ...PAST });
    await expect(
      resolve({ rolling: [{ name: "composefs", suite: "rolling", minVersion: "1.0.8-4" }] }),
    ).rejects.toMatchObject({
      code: "NotFound",
      message: "test rolling has composefs 1.0.8-3, at least 1.0.8-4 is needed",
    });
  });

  test("must be signed all the same", async () => {
    await publish();
    await archive.publish({ suite: "rolling", packages: ROLLING, key: otherKey, ...PAST });
    await expect(resolve({ rolling })).rejects.toMatchObject({ code: "SignatureInvalid" });
  });

  test("alone may be past its Valid-Until: the request's own suite may not", async () => {
    await publish(STABLE, { validUntil: DATE + 3600 });
    await publish(ROLLING, { suite: "rolling", ...PAST });
    await expect(resolve({ rolling })).rejects.toMatchObject({
      code: "ArchiveUnavailable",
      message: expect.stringContaining("is expired") as string,
    });
    await publish(STABLE, { validUntil: DATE + 864_000 });
    expect((await resolve({ rolling })).suites.length).toBe(2);
  });
});

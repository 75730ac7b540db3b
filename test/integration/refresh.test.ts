import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ROOT_PACKAGES } from "../../builders/contract/root-packages.ts";
import { createAptArchive } from "../../controller/adapters/archive/package-archive.ts";
import { createPackageStore } from "../../controller/adapters/archive/package-store.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { importCheckout } from "../../controller/reconciler/import-checkout.ts";
import { refreshRelease } from "../../controller/reconciler/refresh-release.ts";
import { type DebArchive, type FakePackage, poolPathOf, startDebArchive } from "../fakes/deb-archive.ts";
import { DEMO_TOOLCHAIN, demoSpec } from "../fakes/demo-release.ts";
import { makeSigningKey } from "../fakes/openpgp.ts";
import { openOwn } from "../repositories.ts";

const key = makeSigningKey("Archive of tests");
const { signal } = new AbortController();
const DAY = 86_400;
/** Indexes are of days before today, so that no clock finds them to be of the future. */
const TODAY = Math.floor(Date.now() / 1000);
const stamp = (seconds: number) => new Date(seconds * 1000).toISOString().replaceAll(/[-:]|\.000/g, "");

const OLD_KERNEL: FakePackage = { name: "linux-image-6.12.48+deb13-amd64", version: "6.12.48-1", arch: "amd64" };
const NEW_KERNEL: FakePackage = { name: "linux-image-6.12.117+deb13-amd64", version: "6.12.117-1", arch: "amd64" };
const CLOUD_KERNEL = { ...NEW_KERNEL, name: "linux-image-6.12.118+deb13-cloud-amd64", version: "6.12.118-1" };
const DRACUT: FakePackage = { name: "dracut", version: "106-6" };
const EROFS: FakePackage = { name: "erofs", version: "1.8.6-1" };
const OTHERS: FakePackage[] = [
  { name: "base-files", version: "13.8", fields: { Essential: "yes" } },
  { name: "mmdebstrap", version: "1.5.7-1" },
  ...Object.keys(ROOT_PACKAGES)
    .filter((name) => name !== "dracut")
    .map((name) => ({ name, version: "1.0-1" })),
];

let folder = "";
let archive: DebArchive;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  await mkdir(join(folder, "keyrings"));
  await writeFile(join(folder, "keyrings", "test.gpg"), key.keyring);
  archive = await startDebArchive();
});
afterEach(async () => {
  await archive[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** The archive's index names exactly `packages` from now on; what it named before leaves the pool. */
async function publish(daysAgo: number, packages: readonly FakePackage[]) {
  const kept = new Set(packages.map(poolPathOf));
  for (const path of archive.files.keys()) if (path.startsWith("pool/") && !kept.has(path)) archive.files.delete(path);
  await archive.publish({ suite: "trixie", packages, key, date: TODAY - daysAgo * DAY });
}

const SPEC = demoSpec().replace("20261123T000000Z", stamp(TODAY - 2 * DAY));
const directory = () => join(folder, "state", "repository.git");

/** What `npm start` does before it builds. A cache of its own makes it the start of a fresh machine. */
async function start(cache: string, toolchainLocks = new Map<string, Uint8Array>()) {
  const { specs: repository } = await openOwn(directory());
  const files = new Map([["release.yaml", new TextEncoder().encode(SPEC)]]);
  await importCheckout(repository, { release: "demo", files, toolchainLocks });
  const packages = createAptArchive({
    archives: { debian: { sources: [{ kind: "mirror", url: archive.url.href }], keyring: "test.gpg" } },
    keyrings: join(folder, "keyrings"),
    env: {},
  });
  const store = createPackageStore({ archive: packages, cache: join(folder, cache), report: () => undefined });
  const options = { release: "demo", toolchainPackages: DEMO_TOOLCHAIN, now: new Date(), signal };
  const refreshed = await refreshRelease(repository, { archive: packages, store }, options);
  for (const lock of [...refreshed.folder.locks.values(), ...refreshed.toolchains.values()]) {
    expect(await store.fetch(lock, signal)).toEqual([]);
  }
  return refreshed;
}

describe("two starts, between which the archive's index moves on", () => {
  const git = (...args: string[]) => gitOn(directory()).run(args);

  it("bump the release where its pins are gone, once, and say why in git", async () => {
    await publish(3, [OLD_KERNEL, DRACUT, EROFS, ...OTHERS]);
    const first = await start("cache-1");
    expect(first.summary).toContain("demo 2026.11.23-1: toolchain amd64: first lock");

    await publish(1, [NEW_KERNEL, CLOUD_KERNEL, { ...DRACUT, version: "106-7" }, EROFS, ...OTHERS]);
    const second = await start("cache-2");
    expect(second.summary).toMatch(
      /^demo 2026\.11\.23-1 -> 2026\.11\.23-2: 2 pins are gone .*kernel linux-image-6\.12\.48\+deb13-amd64 -> linux-image-6\.12\.117\+deb13-amd64; demo amd64: 1 upgraded, 1 added, 1 removed$/,
    );
    expect(await git("log", "-1", "--format=%(trailers:key=Release,valueonly)%B", "main")).toMatch(
      /^demo\nBump demo to 2026\.11\.23-2\n\n[^]*upgraded dracut 106-6 -> 106-7 all\n[^]*Spec-Digest: sha256:[0-9a-f]{64}\n/,
    );
    expect(await git("diff", "--unified=0", "main^", "main", "--", "specs/demo/release.yaml")).toMatch(
      /^-  version: "2026\.11\.23-1" # goes up\n\+  version: "2026\.11\.23-2" # goes up$/m,
    );
    expect(second.commit).toBe((await git("rev-parse", "main")).trim());

    const third = await start("cache-2");
    expect({ summary: third.summary, commit: third.commit }).toEqual({ summary: null, commit: second.commit });
    expect((await git("rev-list", "--count", "main")).trim()).toBe("3");
  });

  it("make the toolchain's lock anew where its pins are gone, and keep the release's packages", async () => {
    await publish(3, [OLD_KERNEL, DRACUT, EROFS, ...OTHERS]);
    const first = await start("cache-1");
    await publish(1, [OLD_KERNEL, DRACUT, { ...EROFS, version: "1.8.7-1" }, ...OTHERS]);
    const second = await start("cache-2");
    expect(second.summary).toContain(
      "demo 2026.11.23-1 -> 2026.11.23-2: 1 pin is gone from the archive; toolchain amd64",
    );
    expect(second.folder.locks.get("amd64")?.packages).toEqual(first.folder.locks.get("amd64")?.packages);
    expect(await git("log", "-1", "--format=%B", "main")).toContain("upgraded erofs 1.8.6-1 -> 1.8.7-1 all");
    expect(await git("diff", "--name-only", "main^", "main")).toBe(
      "specs/demo/lock.amd64.json\nspecs/demo/release.yaml\ntoolchain/lock.amd64.json\n",
    );
  });

  it("need nothing of the archive where the cache has every pin", async () => {
    await publish(3, [OLD_KERNEL, DRACUT, EROFS, ...OTHERS]);
    const first = await start("cache-1");
    archive.files.clear();
    const second = await start("cache-1");
    expect({ summary: second.summary, commit: second.commit }).toEqual({ summary: null, commit: first.commit });
  });

  it("are refused where no kernel of the flavour is left", async () => {
    await publish(3, [OLD_KERNEL, DRACUT, EROFS, ...OTHERS]);
    await start("cache-1");
    await publish(1, [CLOUD_KERNEL, DRACUT, EROFS, ...OTHERS]);
    await expect(start("cache-2")).rejects.toThrow(/no kernel of the flavour amd64/);
    expect((await git("rev-list", "--count", "main")).trim()).toBe("2");
  });
});

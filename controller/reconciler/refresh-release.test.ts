import { describe, expect, it } from "vitest";
import { type ArchiveState, fakePackageArchive } from "../../test/fakes/package-archive.ts";
import { DEMO_PACKAGES, DEMO_TOOLCHAIN, demoArchive, demoSpec } from "../../test/fakes/demo-release.ts";
import { fakeSpecRepository } from "../../test/fakes/spec-repository.ts";
import { ReleaseError } from "../domain/errors.ts";
import { importCheckout } from "./import-checkout.ts";
import { refreshRelease } from "./refresh-release.ts";

const DAY_0 = "20261122T000000Z";
const DAY_9 = "20261201T000000Z";
const NEXT_KERNEL = { "linux-image-6.12.48+deb13-amd64": null, "linux-image-6.12.117+deb13-amd64": "6.12.117-1" };
const bytes = (text: string) => new TextEncoder().encode(text);
const SPEC_FILE = "specs/demo/release.yaml";

async function start(spec = demoSpec(), state: ArchiveState = demoArchive(DAY_0)) {
  const repository = fakeSpecRepository();
  const packages = fakePackageArchive(state);
  const files = new Map([["release.yaml", bytes(spec)]]);
  await importCheckout(repository, { release: "demo", files, toolchainLocks: new Map() });
  const refresh = (now = new Date("2026-12-02T00:00:00Z")) =>
    refreshRelease(repository, packages, {
      release: "demo",
      toolchainPackages: DEMO_TOOLCHAIN,
      now,
      signal: new AbortController().signal,
    });
  const text = async (path: string) =>
    new TextDecoder().decode((await (await repository.tip()).readFile(path)) ?? bytes(""));
  return { repository, packages, refresh, text, messages: () => repository.log().map(({ message }) => message) };
}

/** A release and its toolchain, locked on day 0. */
async function locked(spec?: string) {
  const given = await start(spec);
  await given.refresh();
  return given;
}

describe("a release without a lock", () => {
  it("gets its first locks, and keeps its version", async () => {
    const { refresh, text, messages, repository } = await start();
    const { folder, toolchains, commit, summary } = await refresh();
    expect(summary).toBe(
      `demo 2026.11.23-1: toolchain amd64: first lock, 2 packages; demo amd64: first lock, ${DEMO_PACKAGES} packages`,
    );
    expect(await text(SPEC_FILE)).toBe(demoSpec());
    expect(JSON.parse(await text("specs/demo/lock.amd64.json"))).toEqual(folder.locks.get("amd64"));
    expect(JSON.parse(await text("toolchain/lock.amd64.json"))).toEqual(toolchains.get("amd64"));
    expect(commit).toBe((await repository.tip()).commit);
    expect(messages()[1]).toMatch(/^Lock demo 2026\.11\.23-1\n\n/);
    expect(messages()[1]).toMatch(/\n\nRelease: demo\nSpec-Digest: sha256:[0-9a-f]{64}\n$/);
  });

  it("is bumped where its kernel is gone already", async () => {
    const { refresh, text } = await start(demoSpec(), demoArchive(DAY_0, NEXT_KERNEL));
    const { summary } = await refresh();
    expect(summary).toContain("demo 2026.11.23-1 -> 2026.11.23-2: 1 pin is gone from the archive");
    expect(await text(SPEC_FILE)).toContain("amd64: linux-image-6.12.117+deb13-amd64");
  });

  it("is bumped where the state of the archive that it names is gone, and no address gets into git", async () => {
    const { refresh, text, messages } = await start(demoSpec(), demoArchive(DAY_9));
    await refresh();
    expect(await text(SPEC_FILE)).toContain('snapshot: "20261202T000000Z"');
    expect(await text(SPEC_FILE)).toContain("amd64: linux-image-6.12.48+deb13-amd64");
    expect(messages()[1]).toContain("Gone from the archive:\ndebian trixie as of 20261123T000000Z\n");
    expect(messages()[1]).not.toContain("localhost");
  });

  it("stays as it is where the archive cannot fulfil it at all", async () => {
    const { refresh, messages } = await start(demoSpec("    packages: [no-such-package]\n"));
    await expect(refresh()).rejects.toMatchObject({
      code: "NotFound",
      message: expect.stringContaining("no-such") as string,
    });
    expect(messages()).toHaveLength(1);
  });
});

describe("a locked release", () => {
  it("needs nothing while all its pins are held", async () => {
    const { refresh, messages, repository, packages } = await locked();
    const before = await repository.tip();
    packages.moveOn(demoArchive(DAY_9, { "linux-image-6.12.117+deb13-amd64": "1", zlib: "2" }));
    const { summary, commit } = await refresh();
    expect({ summary, commit }).toEqual({ summary: null, commit: before.commit });
    expect(messages()).toHaveLength(2);
  });

  it("names the commit that touched it, not the tip", async () => {
    const { refresh, repository } = await locked();
    const { commit } = await refresh();
    await repository.commit(async () => ({ changes: [{ path: "specs/other/x", content: "1" }], message: "m" }));
    expect((await refresh()).commit).toBe(commit);
  });

  it("is bumped where pins are gone: kernel, snapshot, version and lock, and nothing else", async () => {
    const { refresh, packages, text, messages, repository } = await locked();
    packages.moveOn(demoArchive(DAY_9, { ...NEXT_KERNEL, dracut: "1.1-1" }));
    const { summary, commit, folder } = await refresh();
    expect(summary).toBe(
      "demo 2026.11.23-1 -> 2026.11.23-2: 2 pins are gone from the archive; " +
        "kernel linux-image-6.12.48+deb13-amd64 -> linux-image-6.12.117+deb13-amd64; " +
        "demo amd64: 1 upgraded, 1 added, 1 removed",
    );
    expect(await text(SPEC_FILE)).toBe(
      demoSpec()
        .replace("2026.11.23-1", "2026.11.23-2")
        .replace("20261123T000000Z", "20261202T000000Z")
        .replace("6.12.48+deb13-amd64", "6.12.117+deb13-amd64"),
    );
    expect(commit).toBe((await repository.tip()).commit);
    expect(folder.release.spec.version).toBe("2026.11.23-2");
    expect(messages()[2]).toMatch(
      new RegExp(
        [
          /^Bump demo to 2026\.11\.23-2\n\n/,
          /Gone from the archive:\ndracut 1\.0-1 amd64\nlinux-image-6\.12\.48\+deb13-amd64 1\.0-1 amd64\n\n/,
          /kernel linux-image-6\.12\.48\+deb13-amd64 -> linux-image-6\.12\.117\+deb13-amd64\n\n/,
          /demo amd64: 1 upgraded, 1 added, 1 removed\n/,
          /upgraded dracut 1\.0-1 -> 1\.1-1 amd64\n/,
          /added linux-image-6\.12\.117\+deb13-amd64 6\.12\.117-1 amd64\n/,
          /removed linux-image-6\.12\.48\+deb13-amd64 1\.0-1 amd64\n\n/,
          /Release: demo\nSpec-Digest: sha256:[0-9a-f]{64}\n$/,
        ]
          .map(({ source }) => source)
          .join(""),
      ),
    );
    expect((await refresh()).summary).toBeNull();
  });

  it("names a toolchain that was made anew, with its own packages as they were", async () => {
    const { refresh, packages, text } = await locked();
    const before = (await refresh()).folder.locks.get("amd64");
    packages.moveOn(demoArchive(DAY_9, { erofs: "1.1-1" }));
    const { summary, folder } = await refresh();
    expect(summary).toBe(
      "demo 2026.11.23-1 -> 2026.11.23-2: 1 pin is gone from the archive; " +
        "toolchain amd64: 1 upgraded, 0 added, 0 removed; demo amd64: same packages, new toolchain",
    );
    const lock = folder.locks.get("amd64");
    expect(lock).toEqual({ ...before, toolchain: lock?.toolchain });
    expect(lock?.toolchain).not.toBe(before?.toolchain);
    expect(await text("toolchain/lock.amd64.json")).toContain('"version": "1.1-1"');
    expect(await text(SPEC_FILE)).toBe(demoSpec().replace("2026.11.23-1", "2026.11.23-2"));
    expect((await refresh()).summary).toBeNull();
  });

  it("moves together with its toolchain, in one commit, where pins of both are gone", async () => {
    const { refresh, packages, messages, text } = await locked();
    packages.moveOn(demoArchive(DAY_9, { ...NEXT_KERNEL, erofs: "1.1-1" }));
    const { summary } = await refresh();
    expect(summary).toMatch(/toolchain amd64: 1 upgraded.*; demo amd64: 0 upgraded, 1 added, 1 removed$/);
    expect(messages()).toHaveLength(3);
    expect(await text(SPEC_FILE)).toContain('"2026.11.23-2"');
    expect((await refresh()).summary).toBeNull();
  });

  it("takes a new version each time, and none that it ever had", async () => {
    const { refresh, packages, repository, text } = await locked();
    await repository.commit(async () => ({
      changes: [{ path: SPEC_FILE, content: demoSpec().replace("2026.11.23-1", "2026.11.23-2") }],
      message: "someone tried",
    }));
    await repository.commit(async () => ({
      changes: [{ path: SPEC_FILE, content: demoSpec() }],
      message: "and went back",
    }));
    packages.moveOn(demoArchive(DAY_9, { dracut: "1.1-1" }));
    await refresh();
    expect(await text(SPEC_FILE)).toContain('"2026.11.23-3"');
    packages.moveOn(demoArchive(DAY_9, { dracut: "1.2-1" }));
    await refresh();
    expect(await text(SPEC_FILE)).toContain('"2026.11.23-4"');
  });

  it("moves both architectures to one state of the archive", async () => {
    const targets = "    - { variant: raw, arch: amd64 }\n    - { variant: raw, arch: arm64 }\n";
    const { refresh, packages } = await locked(demoSpec("", targets));
    packages.moveOn(demoArchive(DAY_9, NEXT_KERNEL));
    const { folder } = await refresh();
    expect([...folder.locks.values()].map(({ suites }) => suites[0]?.date)).toEqual([DAY_9, DAY_9]);
    expect(folder.release.spec.inputs.kernelPackage).toEqual({
      amd64: "linux-image-6.12.117+deb13-amd64",
      arm64: "linux-image-6.12.48+deb13-arm64",
    });
  });

  it("is refused, not bumped for nothing, where the archive's index names files that it lacks", async () => {
    const { refresh, packages, messages } = await locked();
    packages.lose("dracut");
    await expect(refresh()).rejects.toMatchObject({
      code: "ArchiveUnavailable",
      message: expect.stringContaining("dracut 1.0-1 amd64") as string,
    });
    packages.moveOn(demoArchive(DAY_9));
    packages.lose("erofs");
    await expect(refresh()).rejects.toThrow(/still names packages that none of its sources has/);
    expect(messages()).toHaveLength(2);
  });

  it("is refused where no kernel of its flavour is left: a pin is never loosened", async () => {
    const { refresh, packages, messages } = await locked();
    const others = { "linux-image-6.12.48+deb13-amd64": null, "linux-image-6.12.117+deb13-cloud-amd64": "1" };
    packages.moveOn(demoArchive(DAY_9, others));
    await expect(refresh()).rejects.toThrow(/no kernel of the flavour amd64/);
    expect(messages()).toHaveLength(2);
  });

  it("is refused where a new toolchain has not the tools that its spec names", async () => {
    const { refresh, packages, messages } = await locked(demoSpec('    tools: { erofs: "1.0" }\n'));
    packages.moveOn(demoArchive(DAY_9, { erofs: "1.1-1" }));
    await expect(refresh()).rejects.toMatchObject({ code: "ToolchainMismatch" });
    expect(messages()).toHaveLength(2);
  });

  it("is refused where its lock is not its own", async () => {
    const { refresh, repository } = await locked();
    const other = demoSpec("    packages: [curl]\n");
    await repository.commit(async () => ({ changes: [{ path: SPEC_FILE, content: other }], message: "m" }));
    await expect(refresh()).rejects.toMatchObject({ code: "StaleLock", remedy: "run: imgrel lock specs/demo" });
  });

  it("is looked at again where another writer was faster", async () => {
    const { packages, repository, refresh, text } = await locked();
    packages.moveOn(demoArchive(DAY_9, { dracut: "1.1-1" }));
    let calls = 0;
    const slow = { archive: packages.archive, store: { ...packages.store } };
    slow.store.fetch = async (lock, signal) => {
      calls += 1;
      if (calls === 1) await refresh(); // the other writer bumps it meanwhile
      return packages.store.fetch(lock, signal);
    };
    const { summary, folder } = await refreshRelease(repository, slow, {
      release: "demo",
      toolchainPackages: DEMO_TOOLCHAIN,
      now: new Date("2026-12-02T00:00:00Z"),
      signal: new AbortController().signal,
    });
    expect(summary).toBeNull();
    expect(folder.release.spec.version).toBe("2026.11.23-2");
    expect(await text(SPEC_FILE)).toContain('"2026.11.23-2"');
  });

  it("that the repository does not have is an error", async () => {
    const { repository, packages } = await start();
    const attempt = refreshRelease(repository, packages, {
      release: "other",
      toolchainPackages: DEMO_TOOLCHAIN,
      now: new Date(),
      signal: new AbortController().signal,
    });
    await expect(attempt).rejects.toThrow(ReleaseError);
    await expect(attempt).rejects.toThrow("there is no specs/other/release.yaml");
  });
});

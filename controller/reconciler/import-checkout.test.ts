import { describe, expect, it } from "vitest";
import { DEMO_TOOLCHAIN, demoArchive, demoSpec } from "../../test/fakes/demo-release.ts";
import { fakePackageArchive } from "../../test/fakes/package-archive.ts";
import { fakeSpecRepository } from "../../test/fakes/spec-repository.ts";
import { importCheckout } from "./import-checkout.ts";
import { refreshRelease } from "./refresh-release.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const checkout = (spec: string, toolchain?: string) => ({
  release: "demo",
  files: new Map([["release.yaml", bytes(spec)]]),
  toolchainLocks: new Map(toolchain === undefined ? [] : [["toolchain/lock.amd64.json", bytes(toolchain)]]),
});

describe("a checkout", () => {
  it("is imported once, in one commit that names the release", async () => {
    const repository = fakeSpecRepository();
    const { commit, paths } = await importCheckout(repository, checkout(demoSpec(), "{}"));
    expect(paths).toEqual(["specs/demo", "toolchain/lock.amd64.json"]);
    expect(repository.log().map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^Import specs\/demo, toolchain\/lock.amd64.json from the checkout\n\nRelease: demo\nSpec-Digest: sha256:[0-9a-f]{64}\n$/,
      ),
    ]);
    expect(await importCheckout(repository, checkout(demoSpec(), "{}"))).toEqual({ commit, paths: [] });
  });

  it("does not undo what the repository made of it", async () => {
    const repository = fakeSpecRepository();
    await importCheckout(repository, checkout(demoSpec()));
    const options = {
      release: "demo",
      toolchainPackages: DEMO_TOOLCHAIN,
      now: new Date("2026-12-02T00:00:00Z"),
      signal: new AbortController().signal,
    };
    const { commit } = await refreshRelease(repository, fakePackageArchive(demoArchive("20261201T000000Z")), options);
    expect(await importCheckout(repository, checkout(demoSpec()))).toEqual({ commit, paths: [] });
  });

  it("that changed replaces the release, its old locks too", async () => {
    const repository = fakeSpecRepository();
    await importCheckout(repository, checkout(demoSpec()));
    await repository.commit(async () => ({
      changes: [{ path: "specs/demo/lock.amd64.json", content: "{}" }],
      message: "lock",
    }));
    const changed = demoSpec().replace("2026.11.23-1", "2026.11.24-1");
    const { paths } = await importCheckout(repository, checkout(changed));
    expect(paths).toEqual(["specs/demo"]);
    expect(await (await repository.tip()).readDirectory("specs/demo")).toEqual(
      new Map([["release.yaml", bytes(changed)]]),
    );
  });

  it("brings a new toolchain lock alone, without naming a release that did not change", async () => {
    const repository = fakeSpecRepository();
    await importCheckout(repository, checkout(demoSpec(), "{}"));
    const { paths } = await importCheckout(repository, checkout(demoSpec(), "{ }"));
    expect(paths).toEqual(["toolchain/lock.amd64.json"]);
    expect(repository.log()[1]?.message).toBe("Import toolchain/lock.amd64.json from the checkout\n");
  });

  it("with mistakes is refused before anything is committed", async () => {
    const repository = fakeSpecRepository();
    const floating = demoSpec().replace("linux-image-6.12.48+deb13-amd64", "linux-image-amd64");
    await expect(importCheckout(repository, checkout(floating))).rejects.toMatchObject({ code: "SpecInvalid" });
    const renamed = demoSpec().replace("name: demo", "name: other");
    await expect(importCheckout(repository, checkout(renamed))).rejects.toThrow(/its folder is demo/);
    const locked = checkout(demoSpec());
    locked.files.set("lock.amd64.json", bytes("{}"));
    await expect(importCheckout(repository, locked)).rejects.toMatchObject({ code: "StaleLock" });
    await expect(importCheckout(repository, { ...locked, files: new Map() })).rejects.toMatchObject({
      code: "NotFound",
    });
    expect(repository.log()).toEqual([]);
  });
});

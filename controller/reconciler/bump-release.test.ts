import { describe, expect, it } from "vitest";
import { DEMO_TOOLCHAIN, demoArchive, demoSpec } from "../../test/fakes/demo-release.ts";
import { fakePackageArchive } from "../../test/fakes/package-archive.ts";
import { composeLock, toolchainRequest } from "../domain/lock-request.ts";
import { readReleaseFolder } from "../domain/release-folder.ts";
import { bumpRelease } from "./bump-release.ts";

const { signal } = new AbortController();
const NOW = new Date("2026-12-02T00:00:00Z");
const unlocked = readReleaseFolder(
  "demo",
  "specs/demo",
  new Map([["release.yaml", new TextEncoder().encode(demoSpec())]]),
);

async function start() {
  const packages = fakePackageArchive(demoArchive("20261122T000000Z"));
  const request = toolchainRequest(DEMO_TOOLCHAIN, "amd64");
  const toolchain = composeLock(request, await packages.archive.resolve(request, signal), null);
  const options = {
    before: unlocked,
    toolchains: new Map([["amd64" as const, toolchain]]),
    used: new Set<string>(),
    now: NOW,
    newestKernels: false,
  };
  const first = await bumpRelease(packages.archive, options, signal);
  if (first === null) throw new Error("an unlocked release is always bumped");
  return { packages, options: { ...options, before: first }, first };
}

describe("a bump", () => {
  it("locks a release that was not locked, and raises its version", async () => {
    const { first } = await start();
    expect(first.release.spec.version).toBe("2026.11.23-2");
    expect([...first.locks.keys()]).toEqual(["amd64"]);
  });

  it("is none where the archive has nothing new, whatever its date", async () => {
    const { packages, options } = await start();
    packages.moveOn(demoArchive("20261201T000000Z"));
    expect(
      await bumpRelease(packages.archive, { ...options, now: new Date("2027-01-01T00:00:00Z") }, signal),
    ).toBeNull();
  });

  it("moves packages that were updated, and leaves a kernel that is still there", async () => {
    const { packages, options } = await start();
    packages.moveOn(demoArchive("20261201T000000Z", { dracut: "2", "linux-image-6.12.117+deb13-amd64": "1" }));
    const bumped = await bumpRelease(packages.archive, options, signal);
    expect(bumped?.release.spec.version).toBe("2026.11.23-3");
    expect(bumped?.release.spec.inputs.kernelPackage.amd64).toBe("linux-image-6.12.48+deb13-amd64");
  });

  it("moves the kernel where that is asked for", async () => {
    const { packages, options } = await start();
    packages.moveOn(demoArchive("20261201T000000Z", { "linux-image-6.12.117+deb13-amd64": "1" }));
    const bumped = await bumpRelease(packages.archive, { ...options, newestKernels: true }, signal);
    expect(bumped?.release.spec.inputs.kernelPackage).toEqual({
      amd64: "linux-image-6.12.117+deb13-amd64",
      arm64: "linux-image-6.12.48+deb13-arm64",
    });
  });

  it("counts a package that was rebuilt under the same version, and a new toolchain", async () => {
    const { packages, options, first } = await start();
    packages.moveOn(demoArchive("20261201T000000Z", { dracut: "1.0-1#two" }));
    expect(await bumpRelease(packages.archive, options, signal)).not.toBeNull();
    packages.moveOn(demoArchive("20261201T000000Z", { erofs: "2" }));
    const request = toolchainRequest(DEMO_TOOLCHAIN, "amd64");
    const toolchain = composeLock(request, await packages.archive.resolve(request, signal), null);
    const toolchains = new Map([["amd64" as const, toolchain]]);
    const bumped = await bumpRelease(packages.archive, { ...options, toolchains }, signal);
    expect(bumped?.locks.get("amd64")?.packages).toEqual(first.locks.get("amd64")?.packages);
    expect(bumped?.locks.get("amd64")?.toolchain).not.toBe(first.locks.get("amd64")?.toolchain);
  });

  it("needs a toolchain lock before it asks the archive for anything", async () => {
    const { packages, options } = await start();
    let asked = 0;
    const archive = { ...packages.archive };
    archive.kernels = async () => {
      asked += 1;
      return [];
    };
    const attempt = bumpRelease(archive, { ...options, toolchains: new Map() }, signal);
    await expect(attempt).rejects.toMatchObject({ code: "InputMissing" });
    expect(asked).toBe(0);
  });
});

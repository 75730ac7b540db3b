import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LockedPackage, packageKey } from "../../builders/contract/lock.ts";
import { ToolchainPackages } from "../../builders/contract/package-request.ts";
import { ROOT_PACKAGES } from "../../builders/contract/root-packages.ts";
import { composeLock, releaseRequest, toolchainRequest } from "./lock-request.ts";
import type { ReleaseSpec } from "./release.ts";

const KERNEL = "linux-image-6.12.117+deb13-amd64";
const spec = (inputs: Partial<ReleaseSpec["inputs"]> = {}): ReleaseSpec => ({
  version: "1",
  className: "local",
  inputs: {
    distribution: { archive: "debian", suite: "trixie" },
    kernelPackage: { amd64: KERNEL },
    sourceDateEpoch: 1,
    ...inputs,
  },
  targets: [{ variant: "kernel-initrd", arch: "amd64" }],
});

describe("what a release asks for", () => {
  test("is the bootable root, its kernel and its own packages, each once", () => {
    const { packages } = releaseRequest(spec({ packages: ["podman", "dracut"] }), "amd64");
    expect(packages).toEqual([...Object.keys(ROOT_PACKAGES), KERNEL, "podman"].toSorted());
  });

  test("has dracut itself: with dracut-core alone, a kernel brings another initramfs maker", () => {
    expect(releaseRequest(spec(), "amd64").packages).toContain("dracut");
  });

  test("is of the archive, suite, components and snapshot that the spec names", () => {
    expect(releaseRequest(spec(), "amd64")).toMatchObject({
      archive: "debian",
      suite: "trixie",
      components: ["main"],
      snapshot: null,
      rolling: [],
      role: "target",
    });
    const distribution = {
      archive: "ubuntu",
      suite: "noble",
      components: ["main", "universe"],
      snapshot: "20261101T000000Z",
    };
    expect(releaseRequest(spec({ distribution }), "amd64")).toMatchObject(distribution);
  });

  test("needs a kernel for the architecture", () => {
    expect(() => releaseRequest(spec(), "arm64")).toThrow(expect.objectContaining({ code: "SpecInvalid" }));
  });
});

describe("what a toolchain asks for", () => {
  const wanted = ToolchainPackages.parse({
    archive: "debian",
    suite: "trixie",
    components: ["main"],
    packages: { zstd: "compresses", cpio: "archives" },
    archPackages: { amd64: { ovmf: "firmware" } },
    rolling: [{ name: "composefs", suite: "forky", minVersion: "1.0.8" }],
  });

  test("is the packages of all architectures and of its own, for the builder", () => {
    expect(toolchainRequest(wanted, "amd64")).toMatchObject({
      packages: ["cpio", "ovmf", "zstd"],
      role: "builder",
      rolling: wanted.rolling,
    });
    expect(toolchainRequest(wanted, "arm64").packages).toEqual(["cpio", "zstd"]);
  });
});

describe("composeLock", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const request = releaseRequest(spec(), "amd64");
  const suite = {
    archive: "debian",
    suite: "trixie",
    components: ["main"],
    snapshot: null,
    inRelease: digest,
    date: "20261121T091544Z",
    keyring: "debian-archive-keyring.gpg",
    rolling: false,
  };
  const locked = (name: string, arch: LockedPackage["arch"]): LockedPackage => ({
    name,
    version: "1",
    arch,
    size: 1,
    sha256: "0".repeat(64),
    path: "pool/main/x/x_1_all.deb",
    role: "target",
    suite: "trixie",
  });

  test("gives the same lock for any order of packages", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9][a-z0-9+.-]{1,8}$/), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(names, fc.infiniteStream(fc.nat()), (list, keys) => {
        const packages = list.map((name, at) => locked(name, at % 2 === 0 ? "amd64" : "all"));
        const shuffled = packages
          .map((one) => ({ one, key: Number(keys.next().value) }))
          .toSorted((a, b) => a.key - b.key)
          .map(({ one }) => one);
        const lock = composeLock(request, { suites: [suite], packages: shuffled }, digest);
        expect(lock).toEqual(composeLock(request, { suites: [suite], packages }, digest));
        expect(lock.packages.map(packageKey)).toEqual(packages.map(packageKey).toSorted());
      }),
    );
  });

  test("is a toolchain's lock without a toolchain, and names what was asked for, rolling packages too", () => {
    const rolling = [{ name: "composefs", suite: "forky", minVersion: "1" }];
    const resolution = { suites: [suite], packages: [locked("bash", "amd64")] };
    const lock = composeLock({ ...request, packages: ["zstd", "bash"], rolling }, resolution, null);
    expect([lock.kind, lock.toolchain, lock.requested]).toEqual(["toolchain", null, ["bash", "composefs", "zstd"]]);
    expect(composeLock(request, resolution, digest).kind).toBe("release");
  });

  test("refuses a package twice", () => {
    const packages = [locked("bash", "amd64"), { ...locked("bash", "amd64"), version: "2" }];
    expect(() => composeLock(request, { suites: [suite], packages }, digest)).toThrow("unique and sorted");
  });
});

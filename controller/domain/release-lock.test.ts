import { describe, expect, test } from "vitest";
import { type Lock, lockDigest, serializeLock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { GOOD_RELEASE } from "../../test/contracts/bad-documents.ts";
import { requireDocument } from "./documents.ts";
import { formatProblem } from "./problem.ts";
import { lockFileArch, lockFileName, readReleaseLock } from "./release-lock.ts";

const release = requireDocument(GOOD_RELEASE, "f", "DiskImageRelease");
const hash = "ab".repeat(32);

const locked = (name: string, role: "target" | "builder" = "target") => ({
  name,
  version: "1.0-1",
  arch: "amd64" as const,
  size: 1000,
  sha256: hash,
  path: `pool/main/${name.charAt(0)}/${name}/${name}_1.0-1_amd64.deb`,
  role,
  suite: "noble",
});

const lock: Lock = {
  schemaVersion: 1,
  kind: "release",
  arch: "amd64",
  requested: ["linux-image-6.8.0-45-generic", "openssh-server", "podman"],
  suites: [
    {
      archive: "ubuntu",
      suite: "noble",
      components: ["main"],
      snapshot: "20261101T000000Z",
      inRelease: `sha256:${hash}`,
      date: "20261031T120000Z",
      keyring: "ubuntu-archive-keyring.gpg",
      rolling: false,
    },
  ],
  toolchain: `sha256:${hash}`,
  packages: ["linux-image-6.8.0-45-generic", "openssh-server", "podman"].map((name) => locked(name)),
};

const problemsOf = (text: string, arch: Arch = "amd64", of = release): string[] => {
  const result = readReleaseLock(text, "specs/noble-1/lock.amd64.json", of, arch, "specs/noble-1");
  return result.ok
    ? []
    : result.problems.map((problem) => formatProblem(problem).replace("specs/noble-1/lock.amd64.json:", ""));
};

const REMEDY = "(run imgrel lock specs/noble-1)";

test("a lock of the release is read, with the digest that records hold", () => {
  const result = readReleaseLock(serializeLock(lock), "f", release, "amd64", "specs/noble-1");
  expect(result).toEqual({ ok: true, lock, digest: lockDigest(lock) });
});

describe("refused", () => {
  test("text that is no JSON, with its place", () => {
    const conflict = serializeLock(lock).replace('  "kind"', '<<<<<<< main\n  "kind"');
    expect(problemsOf(conflict)).toEqual([expect.stringMatching(/^3:1: is not a JSON file: .* \(run imgrel lock/)]);
    expect(problemsOf(serializeLock(lock).slice(0, 40))).toEqual([
      expect.stringMatching(/^[34]:[0-9]+: is not a JSON/),
    ]);
    expect(problemsOf("")).toEqual([expect.stringMatching(/^1:1: is not a JSON file/)]);
  });

  test("fields that no lock has, or of another form, with their place", () => {
    expect(problemsOf(serializeLock(lock).replace('"schemaVersion": 1', '"schemaVersion": 2'))).toEqual([
      `41:20: schemaVersion: is not what a lock has here ${REMEDY}`,
    ]);
    expect(problemsOf(serializeLock(lock).replace('"kind"', '"host": "x",\n  "kind"'))).toEqual([
      `1:1: has unknown keys: "host" ${REMEDY}`,
    ]);
    expect(problemsOf(serializeLock(lock).replace("pool/main/p/", "../p/"))).toEqual([
      `28:15: packages[2].path: must be pool/….deb ${REMEDY}`,
    ]);
    expect(problemsOf("[]")).toEqual([`1:1: is not what a lock has here ${REMEDY}`]);
  });

  test("a lock of another architecture than its name says", () => {
    expect(problemsOf(serializeLock(lock), "arm64")).toEqual([
      `2:11: arch: is for amd64, but the file's name says arm64 ${REMEDY}`,
    ]);
  });

  test("a toolchain's lock", () => {
    expect(problemsOf(serializeLock({ ...lock, kind: "toolchain", toolchain: null }))).toEqual([
      `3:11: kind: is a toolchain lock, not a release lock ${REMEDY}`,
    ]);
  });

  test("a lock of another archive or suite", () => {
    const { distribution } = release.spec.inputs;
    for (const other of [{ archive: "debian" }, { suite: "jammy" }]) {
      const inputs = { ...release.spec.inputs, distribution: { ...distribution, ...other } };
      const names = `${inputs.distribution.archive} ${inputs.distribution.suite}`;
      expect(problemsOf(serializeLock(lock), "amd64", { ...release, spec: { ...release.spec, inputs } })).toEqual([
        expect.stringContaining(`suites: has nothing of ${names}, which the spec names`),
      ]);
    }
  });

  test("a lock that no target needs", () => {
    const spec = { ...release.spec, targets: [{ variant: "raw" as const, arch: "arm64" as const }] };
    expect(problemsOf(serializeLock(lock), "amd64", { ...release, spec })).toEqual([
      `2:11: arch: no target is for amd64, so this lock would only change the release's digest ${REMEDY}`,
    ]);
  });

  test("a lock without the kernel, or with it for the builder only", () => {
    const missing = `packages: lacks the spec's kernel package linux-image-6.8.0-45-generic ${REMEDY}`;
    const without = { ...lock, packages: lock.packages.slice(1) };
    const elsewhere = {
      ...lock,
      packages: [locked("linux-image-6.8.0-45-generic", "builder"), ...lock.packages.slice(1)],
    };
    expect(problemsOf(serializeLock(without))).toEqual([expect.stringContaining(missing)]);
    expect(problemsOf(serializeLock(elsewhere))).toEqual([expect.stringContaining(missing)]);
  });

  test("a lock that was made for other packages", () => {
    expect(problemsOf(serializeLock({ ...lock, requested: lock.requested.slice(0, 2) }))).toEqual([
      expect.stringContaining(`requested: was made without the spec's package podman ${REMEDY}`),
    ]);
  });

  test("a lock in another form than the one that is stored", () => {
    expect(problemsOf(JSON.stringify(lock))).toEqual([
      `1:1: is not in the form imgrel lock writes, so its digest would differ ${REMEDY}`,
    ]);
  });

  test("a lock longer than any release needs", () => {
    expect(problemsOf(`"${"x".repeat(8 * 1024 * 1024)}"`)).toEqual([
      `1:1: is not a JSON file: longer than 8388608 characters ${REMEDY}`,
    ]);
  });
});

test("names of lock files", () => {
  expect(lockFileName("arm64")).toBe("lock.arm64.json");
  expect(lockFileArch("lock.arm64.json")).toEqual({ arch: "arm64" });
  expect(lockFileArch("lock.riscv64.json")).toEqual({ arch: undefined });
  expect(lockFileArch("lock.json")).toBeUndefined();
  expect(lockFileArch("release.yaml")).toBeUndefined();
});

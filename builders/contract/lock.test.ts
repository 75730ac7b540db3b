import { describe, expect, it } from "vitest";
import { digestOf } from "./digest.ts";
import { diffLocks, Lock, type LockedPackage, lockDigest, parseLock, serializeLock } from "./lock.ts";

const locked = (name: string, over: Partial<LockedPackage> = {}): LockedPackage => ({
  name,
  version: "1:1.0-2+b1",
  arch: "amd64",
  size: 10,
  sha256: "a".repeat(64),
  path: `pool/main/${name[0]}/${name}/${name}_1.0-2+b1_amd64.deb`,
  role: "target",
  suite: "trixie",
  ...over,
});

const lock = (packages: LockedPackage[], over: Partial<Lock> = {}): Lock => ({
  schemaVersion: 1,
  kind: "release",
  arch: "amd64",
  requested: ["bash"],
  suites: [
    {
      archive: "debian",
      suite: "trixie",
      components: ["main"],
      snapshot: null,
      inRelease: digestOf("index"),
      date: "20261121T091544Z",
      keyring: "debian-archive-keyring.gpg",
      rolling: false,
    },
  ],
  toolchain: digestOf("toolchain"),
  packages,
  ...over,
});

const complaints = (value: unknown): string => JSON.stringify(Lock.safeParse(value).error?.issues ?? []);

describe("a lock", () => {
  it("is stored sorted, and read back the same", () => {
    const text = serializeLock(lock([locked("zlib1g"), locked("bash"), locked("libc6", { arch: "all" })]));
    expect(parseLock(text).packages.map(({ name }) => name)).toEqual(["bash", "libc6", "zlib1g"]);
    expect(serializeLock(parseLock(text))).toBe(text);
    expect(text.endsWith("}\n")).toBe(true);
  });
  it("has one digest whatever the order it was made in", () => {
    expect(lockDigest(lock([locked("b1"), locked("a1")]))).toBe(lockDigest(lock([locked("a1"), locked("b1")])));
  });
  it("refuses the same package twice and packages out of order", () => {
    expect(complaints(lock([locked("bash"), locked("bash")]))).toContain(
      "unique and sorted: bash:amd64 after bash:amd64",
    );
    expect(complaints(lock([locked("dash"), locked("bash")]))).toContain("unique and sorted");
  });
  it("refuses a package of another arch, of an unknown suite, or outside the pool", () => {
    expect(complaints(lock([locked("bash", { arch: "arm64" })]))).toContain("bash is for arm64, the lock for amd64");
    expect(complaints(lock([locked("bash", { suite: "sid" })]))).toContain("suite sid is not in suites");
    for (const path of [
      "pool/../../etc/passwd.deb",
      "/pool/main/b/bash.deb",
      "https://host/pool/b/b.deb",
      "pool/b.deb",
    ]) {
      expect(complaints(lock([locked("bash", { path })])), path).toContain("must be pool/");
    }
  });
  it("names its toolchain exactly if it is a release's", () => {
    expect(complaints(lock([locked("bash")], { toolchain: null }))).toContain("a release lock names its toolchain");
    expect(complaints(lock([locked("bash")], { kind: "toolchain" }))).toContain("a toolchain lock names none");
  });
  it("has no key that is not in its schema", () => {
    expect(complaints({ ...lock([locked("bash")]), mirror: "x" })).toContain("unrecognized_keys");
  });
});

describe("diffLocks", () => {
  it("shows what came, went, moved and was rebuilt, and nothing else", () => {
    const from = lock([locked("a1"), locked("b1"), locked("c1"), locked("d1")]);
    const to = lock([
      locked("a1"),
      locked("b1", { version: "2", sha256: "b".repeat(64) }),
      locked("d1", { sha256: "c".repeat(64) }),
      locked("e1"),
    ]);
    expect(diffLocks(from, to)).toEqual([
      { name: "b1", arch: "amd64", from: "1:1.0-2+b1", to: "2" },
      { name: "c1", arch: "amd64", from: "1:1.0-2+b1", to: null },
      { name: "d1", arch: "amd64", from: "1:1.0-2+b1", to: "1:1.0-2+b1" },
      { name: "e1", arch: "amd64", from: null, to: "1:1.0-2+b1" },
    ]);
    expect(diffLocks(from, from)).toEqual([]);
  });
});

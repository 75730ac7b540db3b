import { describe, expect, it } from "vitest";
import type { Lock, LockedPackage } from "../../builders/contract/lock.ts";
import { packageDiff } from "./package-diff.ts";

const locked = (name: string, version: string, content = version): LockedPackage => ({
  name,
  version,
  arch: "amd64",
  size: 1,
  sha256: Buffer.from(content.padEnd(32, "0")).toString("hex").slice(0, 64),
  path: `pool/main/${name}_${version}.deb`,
  role: "target",
  suite: "trixie",
});
const lock = (...packages: LockedPackage[]): Lock => ({
  schemaVersion: 1,
  kind: "toolchain",
  arch: "amd64",
  requested: ["bash"],
  suites: [],
  toolchain: null,
  packages,
});

describe("a package diff", () => {
  it("names what was upgraded, added and removed, by kind and then by name", () => {
    const diff = packageDiff(
      lock(locked("zlib", "1.2"), locked("bash", "5.2-1"), locked("cron", "3.0")),
      lock(locked("zlib", "1.10"), locked("bash", "5.2-2"), locked("dracut", "106"), locked("curl", "8")),
    );
    expect(diff.summary).toBe("2 upgraded, 2 added, 1 removed");
    expect(diff.lines).toEqual([
      "upgraded bash 5.2-1 -> 5.2-2 amd64",
      "upgraded zlib 1.2 -> 1.10 amd64",
      "added curl 8 amd64",
      "added dracut 106 amd64",
      "removed cron 3.0 amd64",
    ]);
  });

  it("does not call a downgrade or a rebuild an upgrade", () => {
    const diff = packageDiff(
      lock(locked("bash", "5.2-10"), locked("zlib", "1.2", "one")),
      lock(locked("bash", "5.2-9"), locked("zlib", "1.2", "two")),
    );
    expect(diff.summary).toBe("0 upgraded, 1 downgraded, 1 rebuilt, 0 added, 0 removed");
    expect(diff.lines).toEqual([
      "downgraded bash 5.2-10 -> 5.2-9 amd64",
      "rebuilt zlib 1.2 amd64: other bytes under the same version",
    ]);
  });

  it("of equal locks has no line", () => {
    const same = lock(locked("bash", "5.2-1"));
    expect(packageDiff(same, same)).toEqual({ summary: "0 upgraded, 0 added, 0 removed", lines: [] });
  });
});

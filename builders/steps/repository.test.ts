import { describe, expect, it } from "vitest";
import type { Lock, LockedPackage } from "../contract/lock.ts";
import { packagesIndex } from "./repository.ts";

const locked = (name: string, version: string, sha256: string): LockedPackage => ({
  ...{ name, version, sha256, arch: "amd64", size: 5, role: "target", suite: "trixie" },
  path: `pool/main/x/${name}.deb`,
});
const lock = (...packages: LockedPackage[]): Lock => ({
  ...{ schemaVersion: 1, kind: "release", arch: "amd64", requested: ["b"], toolchain: `sha256:${"0".repeat(64)}` },
  ...{ suites: [], packages },
});

// as apt-ftparchive prints it, in the order of the folder
const LISTING = `Package: b
Essential: yes
Architecture: amd64
Version: 2:1.0
Pre-Depends: libc6 (>= 2.38),
 libz (>= 1)
Filename: pool/b_1.0_amd64.deb
Size: 999
Description: what it is
 and more of it.
 .
 Filename: pool/c_1_amd64.deb
Homepage: https://example.org

Package: a
Version: 1
Architecture: amd64
Filename: pool/a_1_amd64.deb
Size: 7
`;

describe("packagesIndex", () => {
  it("has the lock's packages in its order, with its sizes and hashes", () => {
    expect(packagesIndex(lock(locked("a", "1", "aa"), locked("b", "2:1.0", "bb")), LISTING)).toBe(`Package: a
Version: 1
Architecture: amd64
Filename: ./pool/a_1_amd64.deb
Size: 5
SHA256: aa

Package: b
Essential: yes
Architecture: amd64
Version: 2:1.0
Pre-Depends: libc6 (>= 2.38),
 libz (>= 1)
Filename: ./pool/b_1.0_amd64.deb
Size: 5
SHA256: bb
`);
  });
  it("refuses a lock with a package that is not in the pool", () => {
    expect(() => packagesIndex(lock(locked("c", "1", "cc")), LISTING)).toThrow("c 1 has the hash of the lock");
  });
});

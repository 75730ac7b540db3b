import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DPKG_STATUS, LOCK, lockedPackage, releaseLock } from "../../test/fakes/locked-image.ts";
import { imagePackages } from "./image-packages.ts";

const without = (status: string, name: string): string =>
  status
    .split("\n\n")
    .filter((stanza) => !stanza.startsWith(`Package: ${name}\n`))
    .join("\n\n");

describe("imagePackages", () => {
  it("joins what the lock and dpkg say", () => {
    const packages = imagePackages(LOCK, DPKG_STATUS);
    expect(packages.map(({ name, essential, needs }) => [name, essential, needs])).toEqual([
      ["bash", true, ["libc6:amd64"]],
      ["libc6", false, []],
      ["libstdc++6", false, ["libc6:amd64", "mount:amd64"]],
      ["mount", false, []],
    ]);
    expect(packages[3]).toEqual({
      ...{ name: "mount", version: "1:2.41.5-0+deb13u1", arch: "amd64", essential: false, needs: [] },
      source: { name: "util-linux", version: "2.41.5-0+deb13u1" },
      maintainer: "Maintainers of mount <mount@example.org>",
      ...{ sha256: LOCK.packages[3]?.sha256, sizeBytes: 1005, archive: "debian" },
      purl: "pkg:deb/debian/mount@1:2.41.5-0%2Bdeb13u1?arch=amd64&distro=trixie",
    });
  });

  it("leaves out the builder's packages, and what was removed", () => {
    const both = releaseLock([...LOCK.packages, lockedPackage("mmdebstrap", "1.5.7-1", "builder")]);
    const removed = `${DPKG_STATUS}\nPackage: old\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n`;
    expect(imagePackages(both, removed)).toEqual(imagePackages(LOCK, DPKG_STATUS));
  });

  it.each([
    [
      "a package too few",
      without(DPKG_STATUS, "mount"),
      "in the lock, but not installed: mount 1:2.41.5-0+deb13u1 amd64",
    ],
    [
      "a package too many",
      `${DPKG_STATUS}\nPackage: vim\nStatus: install ok installed\nArchitecture: all\nVersion: 9\n`,
      "installed, but not in the lock: vim 9 all",
    ],
    [
      "another version",
      DPKG_STATUS.replace("Version: 2.41-12", "Version: 2.41-13"),
      "in the lock, but not installed: libc6 2.41-12 amd64. installed, but not in the lock: libc6 2.41-13 amd64",
    ],
    [
      "another architecture",
      DPKG_STATUS.replace("Architecture: amd64", "Architecture: all"),
      "in the lock, but not installed: bash 5.2.37-2+b10 amd64. installed, but not in the lock: bash 5.2.37-2+b10 all",
    ],
    [
      "a package that is only unpacked",
      DPKG_STATUS.replace("install ok installed", "install ok unpacked"),
      "in the lock, but not installed: bash 5.2.37-2+b10 amd64 (unpacked)",
    ],
  ])("refuses %s", (_, status, message) => {
    expect(() => imagePackages(LOCK, status)).toThrow(`the image's packages are not those of the lock: ${message}`);
  });

  it("names eight packages at most", () => {
    const many = Array.from({ length: 11 }, (_, index) => lockedPackage(`package-${index}`, "1", "target"));
    expect(() => imagePackages(releaseLock([...LOCK.packages, ...many]), DPKG_STATUS)).toThrow(
      /package-5 1 amd64; package-6 1 amd64; and 3 more$/,
    );
  });

  it("whatever is taken out of lock and image: no fault if and only if the same is left", () => {
    const names = LOCK.packages.map(({ name }) => name);
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), fc.subarray(names), (locked, installed) => {
        const lock = releaseLock(LOCK.packages.filter(({ name }) => locked.includes(name)));
        const status = names
          .filter((name) => installed.includes(name))
          .map((name) => LOCK.packages.find((one) => one.name === name))
          .map(
            (one) =>
              `Package: ${one?.name}\nVersion: ${one?.version}\nArchitecture: amd64\nStatus: install ok installed\n`,
          )
          .join("\n");
        const same = locked.join() === installed.join();
        if (same) expect(imagePackages(lock, status)).toHaveLength(locked.length);
        else expect(() => imagePackages(lock, status)).toThrow(/not those of the lock/);
      }),
    );
  });
});

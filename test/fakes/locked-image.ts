import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, type LockedPackage } from "../../builders/contract/lock.ts";

const SUITE: Lock["suites"][number] = {
  archive: "debian",
  suite: "trixie",
  components: ["main"],
  snapshot: "20261123T193000Z",
  inRelease: digestOf("InRelease"),
  date: "20261121T091544Z",
  keyring: "debian-archive-keyring.gpg",
  rolling: false,
};

/** A locked package; its hash is made from its name. */
export const lockedPackage = (
  name: string,
  version: string,
  role: LockedPackage["role"],
  arch: LockedPackage["arch"] = "amd64",
): LockedPackage => ({
  ...{ name, version, arch, role, size: 1000 + name.length, sha256: sha256Hex(name), suite: "trixie" },
  path: `pool/main/${name[0]}/${name}/${name}_${version.replace(/^[0-9]+:/, "")}_${arch}.deb`,
});

const lockOf = (kind: Lock["kind"], packages: readonly LockedPackage[], toolchain: Lock["toolchain"]): Lock => ({
  ...{ schemaVersion: 1, kind, arch: "amd64", suites: [SUITE], toolchain },
  requested: packages.map(({ name }) => name).toSorted(),
  packages: packages.toSorted((a, b) => (`${a.name}:${a.arch}` < `${b.name}:${b.arch}` ? -1 : 1)),
});

export const TOOLCHAIN = lockOf(
  "toolchain",
  [lockedPackage("bash", "5.2.37-2+b10", "builder"), lockedPackage("mmdebstrap", "1.5.7-1", "builder", "all")],
  null,
);

/** A release lock of these packages of the target. */
export const releaseLock = (packages: readonly LockedPackage[]): Lock =>
  lockOf("release", packages, lockDigest(TOOLCHAIN));

export const LOCK = releaseLock([
  lockedPackage("bash", "5.2.37-2+b10", "target"),
  lockedPackage("libc6", "2.41-12", "target"),
  lockedPackage("libstdc++6", "14.2.0-19", "target"),
  lockedPackage("mount", "1:2.41.5-0+deb13u1", "target"),
]);

/** What dpkg's database has after a lock's packages were installed; bash is essential and needs libc6. */
export const dpkgStatusOf = ({ packages }: Lock): string =>
  packages
    .map(({ name, version, arch }) =>
      [
        `Package: ${name}`,
        ...(name === "bash" ? ["Essential: yes"] : []),
        "Status: install ok installed",
        `Maintainer: Maintainers of ${name} <${name.replaceAll("+", "-")}@example.org>`,
        `Architecture: ${arch}`,
        ...(name === "mount" ? ["Source: util-linux (2.41.5-0+deb13u1)"] : []),
        `Version: ${version}`,
        ...(name === "bash" ? ["Pre-Depends: libc6 (>= 2.38)"] : []),
        ...(name === "libstdc++6" ? ["Depends: libc6 (>= 2.38), absent | mount"] : []),
        "Description: one line",
        " and more of them",
        " .",
        "",
      ].join("\n"),
    )
    .join("\n");

export const DPKG_STATUS = dpkgStatusOf(LOCK);

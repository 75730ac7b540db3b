import type { Sha256Hex } from "../../builders/contract/digest.ts";
import { type Lock, type LockedPackage, packageKey } from "../../builders/contract/lock.ts";
import { type InstalledPackage, parseDpkgStatus } from "./dpkg-status.ts";
import { ReleaseError } from "./errors.ts";
import { dependenciesOf } from "./installed-dependencies.ts";
import { debPurl } from "./purl.ts";

/** A package of an image: what the lock and the image's own dpkg say of it. */
export type ImagePackage = Pick<
  InstalledPackage,
  "name" | "version" | "arch" | "essential" | "source" | "maintainer"
> & {
  /** of the .deb */
  readonly sha256: Sha256Hex;
  readonly sizeBytes: number;
  /** name of the archive that it comes from */
  readonly archive: string;
  readonly purl: string;
  /** packages that it needs, by `name:arch`, sorted */
  readonly needs: readonly string[];
};

const MAX_NAMED = 8;

function named(what: string, packages: readonly string[]): string[] {
  if (packages.length === 0) return [];
  const more = packages.length > MAX_NAMED ? `; and ${packages.length - MAX_NAMED} more` : "";
  return [`${what}: ${packages.slice(0, MAX_NAMED).join("; ")}${more}`];
}

const identity = ({ name, version, arch }: { name: string; version: string; arch: string }): string =>
  `${name} ${version} ${arch}`;

/** The purl of a locked package. */
export function purlOf(lock: Lock, locked: LockedPackage): string {
  const archive = archiveOf(lock, locked);
  return debPurl({ archive, name: locked.name, version: locked.version, arch: locked.arch, suite: locked.suite });
}

/** The archive that a package was locked from, by name. */
export const archiveOf = (lock: Lock, { suite }: LockedPackage): string =>
  lock.suites.find((locked) => locked.suite === suite)?.archive ?? "";

/**
 * The packages of an image, in the lock's order: those that its dpkg has installed, which are exactly those that the
 * lock has for the target.
 * @param status text of the image's /var/lib/dpkg/status
 * @throws ReleaseError VerificationFailed naming the packages that differ, or as parseDpkgStatus and dependenciesOf
 */
export function imagePackages(lock: Lock, status: string): ImagePackage[] {
  const all = parseDpkgStatus(status);
  const installed = all.filter(({ state }) => state === "installed");
  const found = new Set(installed.map(identity));
  const locked = lock.packages.filter(({ role }) => role === "target");
  const wanted = new Set(locked.map(identity));
  const half = new Map(all.filter(({ state }) => state !== "installed").map((one) => [identity(one), one.state]));
  const missing = [...wanted].filter((one) => !found.has(one));
  const differences = [
    ...named(
      "in the lock, but not installed",
      missing.map((one) => (half.has(one) ? `${one} (${half.get(one)})` : one)),
    ),
    ...named(
      "installed, but not in the lock",
      [...found].filter((one) => !wanted.has(one)),
    ),
  ];
  if (differences.length > 0) {
    throw new ReleaseError(
      "VerificationFailed",
      `the image's packages are not those of the lock: ${differences.join(". ")}`,
      "make the lock anew with imgrel lock, and build again",
    );
  }
  const needs = dependenciesOf(installed);
  const byKey = new Map(installed.map((one) => [packageKey(one), one]));
  return locked.flatMap((one) => {
    const own = byKey.get(packageKey(one));
    if (own === undefined) return [];
    const { name, version, arch, essential, source, maintainer } = own;
    const archive = archiveOf(lock, one);
    const facts = { sha256: one.sha256, sizeBytes: one.size, archive, purl: purlOf(lock, one) };
    return [{ name, version, arch, essential, source, maintainer, ...facts, needs: needs.get(packageKey(one)) ?? [] }];
  });
}

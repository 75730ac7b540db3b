import { z } from "zod";
import { Digest, Sha256Hex, digestOf, stableJson } from "./digest.ts";
import { Arch } from "./variant.ts";

/** dpkg package name (Debian Policy 5.6.7). */
export const PackageName = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, "must be a dpkg package name");
/** dpkg version: [epoch:]upstream[-revision] (Debian Policy 5.6.12). */
export const PackageVersion = z.string().regex(/^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$/, "must be a dpkg version");
/** Path in an archive's pool; relative, and it climbs nowhere. */
export const PoolPath = z
  .string()
  .regex(/^pool\/[A-Za-z0-9][A-Za-z0-9_.+:%~-]*(\/[A-Za-z0-9][A-Za-z0-9_.+:%~-]*)+\.deb$/, "must be pool/….deb");

export const LockedPackage = z.strictObject({
  name: PackageName,
  version: PackageVersion,
  /** the package's own architecture: the lock's or `all` */
  arch: z.union([Arch, z.literal("all")]),
  size: z.int().positive(),
  sha256: Sha256Hex,
  path: PoolPath,
  /** `target`: part of the image; `builder`: part of the toolchain that builds it */
  role: z.enum(["target", "builder"]),
  /** suite that holds it, a name in `suites` */
  suite: z.string().min(1),
});
export type LockedPackage = z.infer<typeof LockedPackage>;

/** One signed index that the solver read. It names an archive, never a host. */
export const LockedSuite = z.strictObject({
  archive: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  suite: z.string().regex(/^[a-z0-9][-a-z0-9]*$/),
  components: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]*$/)).min(1),
  /** the snapshot asked for, or null where the archive's present state was read */
  snapshot: z
    .string()
    .regex(/^[0-9]{8}T[0-9]{6}Z$/)
    .nullable(),
  /** digest of the signed InRelease file as it was read */
  inRelease: Digest,
  /** that file's Date field, as a snapshot timestamp */
  date: z.string().regex(/^[0-9]{8}T[0-9]{6}Z$/),
  /** file name of the keyring in builders/keyrings that its signature verified against */
  keyring: z.string().regex(/^[a-z0-9][a-z0-9.-]*\.(gpg|asc)$/),
  /** a suite that keeps moving; its Valid-Until was waived, its signature was not */
  rolling: z.boolean(),
});
export type LockedSuite = z.infer<typeof LockedSuite>;

export const Lock = z
  .strictObject({
    schemaVersion: z.literal(1),
    kind: z.enum(["release", "toolchain"]),
    arch: Arch,
    /** what was asked of the solver, sorted: names only */
    requested: z.array(PackageName).min(1),
    suites: z.array(LockedSuite).min(1),
    /** digest of the toolchain lock that this release is built with; null in a toolchain lock */
    toolchain: Digest.nullable(),
    packages: z.array(LockedPackage).min(1),
  })
  .check((context) => {
    const lock = context.value;
    const complain = (message: string, path: (string | number)[]) =>
      context.issues.push({ code: "custom", message, path, input: lock });
    if ((lock.kind === "toolchain") !== (lock.toolchain === null)) {
      complain("a release lock names its toolchain, a toolchain lock names none", ["toolchain"]);
    }
    const suites = new Set(lock.suites.map((suite) => suite.suite));
    let before = "";
    lock.packages.forEach((locked, index) => {
      const key = packageKey(locked);
      if (key <= before) complain(`packages must be unique and sorted: ${key} after ${before}`, ["packages", index]);
      before = key;
      if (!suites.has(locked.suite)) complain(`suite ${locked.suite} is not in suites`, ["packages", index, "suite"]);
      if (locked.arch !== "all" && locked.arch !== lock.arch) {
        complain(`${locked.name} is for ${locked.arch}, the lock for ${lock.arch}`, ["packages", index, "arch"]);
      }
    });
  });
export type Lock = z.infer<typeof Lock>;

/** What makes a package unique in a lock and in a root: its name and architecture. */
export const packageKey = ({ name, arch }: { readonly name: string; readonly arch: string }): string =>
  `${name}:${arch}`;

/** What nobody changes any more once it is asked for. */
const texts = new WeakMap<Lock, string>();
const digests = new WeakMap<Lock, Digest>();

/** The lock as it is stored: sorted keys, sorted packages, a final newline. Same lock, same bytes. Made once for each lock. */
export function serializeLock(lock: Lock): string {
  const known = texts.get(lock);
  if (known !== undefined) return known;
  const packages = lock.packages.toSorted((a, b) => (packageKey(a) < packageKey(b) ? -1 : 1));
  const text = stableJson({ ...lock, packages, requested: lock.requested.toSorted() });
  texts.set(lock, text);
  return text;
}

/** Digest of the stored form: what a release lock's `toolchain` and a record's `lock` hold. Made once for each lock. */
export function lockDigest(lock: Lock): Digest {
  const digest = digests.get(lock) ?? digestOf(serializeLock(lock));
  digests.set(lock, digest);
  return digest;
}

/**
 * Reads a stored lock.
 * @throws SyntaxError if it is not JSON, ZodError if it is not a lock
 */
export const parseLock = (text: string): Lock => Lock.parse(JSON.parse(text));

/** A package as people read it: `name version arch`. */
export const describePackage = (locked: LockedPackage): string => `${locked.name} ${locked.version} ${locked.arch}`;

/** One line of a package diff. */
export type PackageChange = {
  readonly name: string;
  readonly arch: string;
  readonly from: string | null;
  readonly to: string | null;
};

/** Which packages differ between two locks, sorted by name; a rebuilt package of the same version counts. */
export function diffLocks(from: Lock, to: Lock): PackageChange[] {
  const before = new Map(from.packages.map((locked) => [packageKey(locked), locked]));
  const after = new Map(to.packages.map((locked) => [packageKey(locked), locked]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .filter((key) => before.get(key)?.sha256 !== after.get(key)?.sha256)
    .map((key) => {
      const [name = "", arch = ""] = key.split(":");
      return { name, arch, from: before.get(key)?.version ?? null, to: after.get(key)?.version ?? null };
    });
}

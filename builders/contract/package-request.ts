import { z } from "zod";
import { type LockedPackage, type LockedSuite, PackageName, PackageVersion } from "./lock.ts";
import { Arch } from "./variant.ts";

/** Name of a suite of an archive, in LockedSuite's form. */
const SuiteName = z.string().regex(/^[a-z0-9][-a-z0-9]*$/, "must be a suite name");

/**
 * A package from a suite that keeps moving. Its index may be past its Valid-Until, but must be signed; what it needs
 * and the main suite lacks comes from there too.
 */
export const RollingPackage = z.strictObject({
  name: PackageName,
  suite: SuiteName,
  minVersion: PackageVersion,
});
export type RollingPackage = z.infer<typeof RollingPackage>;

/** Packages by name; the value says what each is for. */
const Purposes = z.record(PackageName, z.string().min(1));

/** `builders/toolchain/packages.json`: what the toolchain's lock is made from. */
export const ToolchainPackages = z.strictObject({
  archive: z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  suite: SuiteName,
  components: z.array(z.string().regex(/^[a-z0-9][a-z0-9-]*$/)).min(1),
  packages: Purposes,
  /** packages that exist for one architecture only */
  archPackages: z.partialRecord(Arch, Purposes),
  rolling: z.array(RollingPackage),
});
export type ToolchainPackages = z.infer<typeof ToolchainPackages>;

/** What a root must contain, and from where. `archive` is a name that the class defines. */
export type ResolveRequest = {
  readonly archive: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** state of the archive to read, `YYYYMMDDTHHMMSSZ`; null for its present state */
  readonly snapshot: string | null;
  readonly arch: Arch;
  /** names; what they need and the essential packages come along */
  readonly packages: readonly string[];
  readonly rolling: readonly RollingPackage[];
  readonly role: LockedPackage["role"];
};

/** The packages that fulfil a request and the signed indexes they were found in, the request's own suite first. */
export type Resolution = { readonly suites: LockedSuite[]; readonly packages: LockedPackage[] };

/** One place that packages may be downloaded from. */
export type PackageBase = {
  /** ends with a slash; pool paths are relative to it */
  readonly url: URL;
  /** a service beside the archive: that it does not answer leaves nothing open once the archive says "gone" */
  readonly optional: boolean;
};

/** Where packages may be downloaded. */
export type PackageLocations = {
  /** by suite, in order */
  readonly bases: ReadonlyMap<string, readonly PackageBase[]>;
  /** http_proxy, https_proxy and no_proxy, as far as they are set */
  readonly proxies: Readonly<Record<string, string>>;
};

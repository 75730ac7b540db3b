import { z } from "zod";
import { PackageName, PackageVersion } from "./lock.ts";
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

/** Where packages may be downloaded. */
export type PackageLocations = {
  /** by suite, in order; each ends with a slash, and pool paths are relative to it */
  readonly bases: ReadonlyMap<string, readonly URL[]>;
  /** http_proxy, https_proxy and no_proxy, as far as they are set */
  readonly proxies: Readonly<Record<string, string>>;
};

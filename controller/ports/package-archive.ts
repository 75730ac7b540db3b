import type { Lock, LockedPackage, LockedSuite } from "../../builders/contract/lock.ts";
import type { PackageLocations, RollingPackage } from "../../builders/contract/package-request.ts";
import type { Arch } from "../../builders/contract/variant.ts";

/** One place where a class says an archive may be found. */
export type ArchiveSource =
  /** what this machine's apt is set up with, if it is that archive */
  | { readonly kind: "system" }
  | { readonly kind: "mirror"; readonly url: string }
  /** `{timestamp}` stands for `YYYYMMDDTHHMMSSZ` */
  | { readonly kind: "snapshot"; readonly urlTemplate: string };

/** An archive as a class defines it: where it may be found, in order, and which keyring signs its indexes. */
export type ArchiveDefinition = {
  readonly sources: readonly ArchiveSource[];
  /** file name in builders/keyrings */
  readonly keyring: string;
};

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
export type Resolution = { readonly suites: readonly LockedSuite[]; readonly packages: readonly LockedPackage[] };

/** Archives of Debian packages, by the names that a class gives them. */
export interface PackageArchive {
  /**
   * Solves a request against a signed index.
   * @throws ReleaseError ArchiveUnavailable (no source serves the suite), SignatureInvalid, NotFound (a package or a
   * version that the suite lacks, named)
   */
  resolve(request: ResolveRequest, signal: AbortSignal): Promise<Resolution>;
  /**
   * Where packages of a lock may be downloaded.
   * @throws ReleaseError NotFound if the class has no archive of a suite's name
   */
  locate(lock: Lock, signal: AbortSignal): Promise<PackageLocations>;
}

import type { LockedPackage, LockedSuite } from "../../builders/contract/lock.ts";
import type { RollingPackage } from "../../builders/contract/package-request.ts";
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
   * Where packages of a locked suite may be downloaded, in order. Each ends with a slash and is what pool paths are
   * relative to.
   * @throws ReleaseError NotFound if no archive has that name
   */
  baseUrls(suite: LockedSuite, signal: AbortSignal): Promise<readonly URL[]>;
}

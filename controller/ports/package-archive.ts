import type { Lock } from "../../builders/contract/lock.ts";
import type { PackageLocations, Resolution, ResolveRequest } from "../../builders/contract/package-request.ts";
import type { ArchiveSource } from "../domain/class.ts";
import type { KernelOffer } from "../domain/kernel-package.ts";

/** An archive as a class defines it: where it may be found, in order, and which keyring signs its indexes. */
export type ArchiveDefinition = {
  readonly sources: readonly ArchiveSource[];
  /** file name in builders/keyrings */
  readonly keyring: string;
};

/** Archives of Debian packages, by the names that a class gives them. */
export interface PackageArchive {
  /**
   * Solves a request against a signed index.
   * @throws ReleaseError ArchiveUnavailable (no source serves the suite), SignatureInvalid, NotFound (a package or a
   * version that the suite lacks, named)
   */
  resolve(request: ResolveRequest, signal: AbortSignal): Promise<Resolution>;
  /**
   * Kernels that a request could name: the archive's packages `linux-image-…`.
   * @throws ReleaseError ArchiveUnavailable, SignatureInvalid
   */
  kernels(request: ResolveRequest, signal: AbortSignal): Promise<readonly KernelOffer[]>;
  /**
   * Where packages of a lock may be downloaded.
   * @throws ReleaseError NotFound if the class has no archive of a suite's name, ArchiveUnavailable if its sources
   * lead nowhere
   */
  locate(lock: Lock, signal: AbortSignal): Promise<PackageLocations>;
}

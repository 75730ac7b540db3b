import type { Sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock, LockedPackage } from "../../builders/contract/lock.ts";

/** The packages of locks, by hash, on this machine. */
export interface PackageStore {
  /**
   * Brings every package of a lock here that is not here yet, from wherever the archives still have it.
   * @returns the packages that no source has any more, as each of them said itself (a snapshot service that cannot be
   * asked does not count beside an archive that can); empty if all are here
   * @throws ReleaseError NotFound if the class has no archive of a suite's name; BuildError InputMissing if a source
   * cannot be reached, InputDigestMismatch if one sends other bytes than the lock says
   */
  fetch(lock: Lock, signal: AbortSignal): Promise<readonly LockedPackage[]>;
  /** Where a package that was fetched is on this machine; whoever reads it checks its hash. */
  pathOf(sha256: Sha256Hex): string;
}

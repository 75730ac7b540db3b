import type { Lease, StoredLease } from "../domain/lease.ts";

/** Where one lease is kept, with optimistic concurrency: of two writers who saw the same, one succeeds. */
export type LeaseStore = {
  /** undefined: there is none */
  readonly read: (signal: AbortSignal) => Promise<StoredLease | undefined>;
  /** @throws ReleaseError ObjectExists if there is one */
  readonly create: (lease: Lease, signal: AbortSignal) => Promise<StoredLease>;
  /** @throws ReleaseError ObjectConflict if it is no longer of this version, NotFound if it is gone */
  readonly replace: (version: string, lease: Lease, signal: AbortSignal) => Promise<StoredLease>;
};

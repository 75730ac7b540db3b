import { ReleaseError } from "../../controller/domain/errors.ts";
import type { Lease, StoredLease } from "../../controller/domain/lease.ts";
import type { LeaseStore } from "../../controller/ports/lease-store.ts";

export type FakeLeaseStore = LeaseStore & {
  readonly stored: () => StoredLease | undefined;
  readonly remove: () => void;
  /** what the next calls fail with; `late`: after they were carried out */
  readonly faults: { readonly error: Error; readonly late: boolean }[];
};

const conflict = (code: "ObjectExists" | "ObjectConflict" | "NotFound") =>
  new ReleaseError(code, "as the test wants", "");

/** A lease in memory; of two writers who saw the same version, one succeeds. */
export function createLeaseStore(): FakeLeaseStore {
  let stored: StoredLease | undefined;
  let version = 0;
  const faults: FakeLeaseStore["faults"] = [];
  const put = (lease: Lease): StoredLease => {
    version += 1;
    stored = { ...lease, version: String(version) };
    return stored;
  };
  async function call<T>(carryOut: () => T): Promise<T> {
    const fault = faults.shift();
    if (fault?.late === false) throw fault.error;
    const result = carryOut();
    if (fault !== undefined) throw fault.error;
    return result;
  }
  return {
    stored: () => stored,
    remove: () => {
      stored = undefined;
    },
    faults,
    read: () => call(() => stored),
    create: (lease) =>
      call(() => {
        if (stored !== undefined) throw conflict("ObjectExists");
        return put(lease);
      }),
    replace: (seen, lease) =>
      call(() => {
        if (stored === undefined) throw conflict("NotFound");
        if (stored.version !== seen) throw conflict("ObjectConflict");
        return put(lease);
      }),
  };
}

import type { Sha256Hex } from "../../builders/contract/digest.ts";
import type { SeenIndex } from "../domain/check-record-list.ts";

/** Whose index it is: the repository as records name it, and the key that signs. */
export type IndexOwner = { readonly repository: string; readonly keySha256: Sha256Hex };

/** Remembers the newest index that this user verified of each owner, so that none is ever taken back unnoticed. */
export type SeenIndices = {
  /**
   * Null: none was verified yet.
   * @throws ReleaseError RecordInvalid if what is remembered cannot be read any more
   */
  readonly read: (owner: IndexOwner) => Promise<SeenIndex | null>;
  /** Remembers an index; one that is no newer than what is remembered changes nothing. */
  readonly write: (owner: IndexOwner, seen: SeenIndex, signal: AbortSignal) => Promise<void>;
};

import type { ReleaseObject } from "../domain/release-object.ts";
import type { KnownRelease } from "../domain/source-sync.ts";

/** The releases of one namespace of a cluster, as a source sees them. */
export type ReleaseStore = {
  /** All of them, as they are known now: a moment's delay does no harm, since nothing is ever written over. */
  readonly known: () => Promise<readonly KnownRelease[]>;
  /**
   * Creates an object, by server-side apply under the name of the source sync: fields that others own stay theirs.
   * @throws ReleaseError SpecInvalid if the cluster refuses it; Unauthorized; what else the cluster throws
   */
  readonly apply: (object: ReleaseObject, signal: AbortSignal) => Promise<void>;
  /** Says whether an object's folder is gone from the branch. An object that is gone is no error. */
  readonly markOrphaned: (name: string, orphaned: boolean, signal: AbortSignal) => Promise<void>;
};

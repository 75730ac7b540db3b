import type { Digest } from "../../builders/contract/digest.ts";
import type { ArtifactStore } from "./artifact-store.ts";

/** The repository where runs stay until they are compared. The controller reads it; publish pods write to it. */
export type StagingStore = Pick<ArtifactStore, "name" | "readManifest" | "readBlob"> & {
  /**
   * Removes a manifest and the tags that point to it, so that the registry may collect what it referred to. One that is
   * gone is no error.
   * @returns false if the registry removes nothing: then its own rules must
   * @throws ReleaseError as ArtifactStore
   */
  readonly remove: (digest: Digest, signal: AbortSignal) => Promise<boolean>;
};

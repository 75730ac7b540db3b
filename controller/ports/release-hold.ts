import type { ClusterRelease } from "../domain/cluster-objects.ts";

type Held = Pick<ClusterRelease, "namespace" | "name" | "uid">;

/** Keeps a release in the cluster as long as it may have Jobs, so that its deletion can end them. */
export type ReleaseHold = {
  /** before the first Job; a release that is deleted or gone is a ReleaseError ObjectConflict or NotFound */
  readonly hold: (release: Held, signal: AbortSignal) => Promise<void>;
  /** once nothing of it is left; one that is gone is no error */
  readonly letGo: (release: Held, signal: AbortSignal) => Promise<void>;
};

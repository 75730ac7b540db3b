import type { Admitted } from "../../domain/admission.ts";
import type { ClusterClass, ClusterRelease, ClusterSource } from "../../domain/cluster-objects.ts";
import type { JobProgress } from "../../domain/jobs/job-progress.ts";
import type { ObservedRecord } from "../../domain/observed.ts";
import type { NodeLabels } from "../../domain/preflight.ts";
import type { ReleaseFolder } from "../../domain/release-folder.ts";
import type { SpecTree } from "../../ports/spec-repository.ts";
import type { ReleaseWork } from "../reconcile.ts";

/** A release that is admitted and whose content is what git holds. */
export type OpenRelease = Admitted & {
  readonly folder: ReleaseFolder;
  /** to be told how a Job of it stands, whenever that changes: the status shows it */
  readonly onJob: (progress: JobProgress) => void;
};

/** What the work on a release needs from outside. */
export type ReleaseOpener = {
  /** the repository's tree at a commit; null: it has no such commit */
  readonly treeAt: (from: ClusterSource, commit: string, signal: AbortSignal) => Promise<SpecTree | null>;
  /** what the records hold of it, judged by the signer of its class */
  readonly record: (open: Admitted, signal: AbortSignal) => Promise<ObservedRecord>;
  /** what nodes the cluster has, or had some seconds ago */
  readonly nodes: (signal: AbortSignal) => Promise<readonly NodeLabels[]>;
  /** all that it takes to build, publish and record it; `conditions` are asked when the record is written */
  readonly work: (
    open: OpenRelease,
    conditions: () => readonly NonNullable<ClusterRelease["status"]["conditions"]>[number][],
    signal: AbortSignal,
  ) => Promise<ReleaseWork>;
  /**
   * Removes Jobs, claims and staged runs of a release, and what holds it in the cluster.
   * @throws what cluster and registry throw
   */
  readonly cleanUp: (release: ClusterRelease, ofClass: ClusterClass | undefined, signal: AbortSignal) => Promise<void>;
  /**
   * Suspends the Jobs of a release that have not ended; its work lets them go on.
   * @returns how many it suspended
   * @throws what the cluster throws
   */
  readonly suspend: (
    release: ClusterRelease,
    ofClass: ClusterClass | undefined,
    signal: AbortSignal,
  ) => Promise<number>;
  /** the same for releases of a class that are no more; gives their names */
  readonly sweep: (
    of: ClusterClass,
    isKnown: (release: string) => boolean,
    signal: AbortSignal,
  ) => Promise<readonly string[]>;
  /** lets a release go whose Jobs could not be removed */
  readonly letGo: (release: ClusterRelease, signal: AbortSignal) => Promise<void>;
};

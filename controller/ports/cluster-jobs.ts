import type {
  ClaimManifest,
  JobManifest,
  ObservedEvent,
  ObservedJob,
  ObservedPod,
} from "../domain/jobs/kubernetes-objects.ts";

/** Objects of a namespace that have these labels. */
export type Selected = { readonly namespace: string; readonly selector: string };
export type Named = { readonly namespace: string; readonly name: string };

/** Whether an object was created now, or one of this name was there. */
export type Creation = "created" | "exists";

/** What tells that it is time to look again. Who looks after `follow`, or after each `next`, misses nothing. */
export type JobNews = {
  /**
   * Returns when something may have changed since it last returned, or since it is followed; after a minute at the
   * latest, also where nobody can say.
   * @throws the signal's reason if it fires
   */
  readonly next: (signal: AbortSignal) => Promise<void>;
};

/**
 * What running Jobs needs of a cluster. Answers are those of the API server itself, not of a copy that may be old.
 *
 * Every function throws ReleaseError of a transient kind if the server can't be asked, and of a permanent one if it
 * refuses; the signal's reason if it fires. After an error it is not known whether a change was made.
 */
export type ClusterJobs = {
  readonly createJob: (job: JobManifest, signal: AbortSignal) => Promise<Creation>;
  /** null: there is none of this name */
  readonly getJob: (of: Named, signal: AbortSignal) => Promise<ObservedJob | null>;
  readonly listJobs: (of: Selected, signal: AbortSignal) => Promise<readonly ObservedJob[]>;
  /**
   * Suspends a Job that has not ended, or lets it go on: its pods end, in the background, and it stays; pods are made
   * anew, and its time begins anew. One that is gone is no error.
   */
  readonly suspendJob: (of: Named, suspend: boolean, signal: AbortSignal) => Promise<void>;
  /** with its pods, in the background; one that is gone is no error */
  readonly deleteJob: (of: Named, signal: AbortSignal) => Promise<void>;
  /** all of these labels with their pods, in the background */
  readonly deleteJobs: (of: Selected, signal: AbortSignal) => Promise<void>;
  readonly createClaim: (claim: ClaimManifest, signal: AbortSignal) => Promise<Creation>;
  readonly listClaims: (
    of: Selected,
    signal: AbortSignal,
  ) => Promise<readonly { readonly metadata: Pick<ObservedJob["metadata"], "name" | "labels"> }[]>;
  /** all of these labels, each once no pod uses it */
  readonly deleteClaims: (of: Selected, signal: AbortSignal) => Promise<void>;
  readonly listPods: (of: Selected, signal: AbortSignal) => Promise<readonly ObservedPod[]>;
  /** events about an object, core/v1 */
  readonly listEvents: (
    of: { readonly namespace: string; readonly uid: string },
    signal: AbortSignal,
  ) => Promise<readonly ObservedEvent[]>;
  /** the last `lines` of what a container wrote; empty if the pod is gone */
  readonly readLog: (
    of: { readonly namespace: string; readonly pod: string; readonly container: string; readonly lines: number },
    signal: AbortSignal,
  ) => Promise<string>;
  /** news of Jobs and pods of exactly these labels, from now on; to be let go of */
  readonly follow: (of: Selected) => JobNews & Disposable;
};

/** What a work queue looks like at one moment. */
export type QueueFigures = {
  /** keys that could be taken now */
  readonly depth: number;
  /** keys that became ready, since the start */
  readonly adds: number;
  /** keys that were put back after a failure, since the start */
  readonly retries: number;
  /** seconds for which the oldest key has been worked on; 0 if none is */
  readonly longestRunning: number;
};

/** Why a watch was begun anew. */
export type WatchCause = "expired" | "throttled" | "server-error" | "reset" | "silence" | "refused" | "ended";

/**
 * What the controller counts (release-api.md 5). No name of a release is ever a label. Figures of a moment are read when
 * someone asks for them.
 */
export type ControllerMetrics = {
  readonly reconciled: (result: "success" | "requeue" | "retry" | "stalled", seconds: number) => void;
  readonly stepEnded: (labels: { step: string; variant: string; arch: string }, seconds: number) => void;
  readonly stepFailed: (labels: { step: string; class: string; reason: string }) => void;
  readonly buildAttempted: (labels: { variant: string; arch: string; result: string }) => void;
  readonly compared: (labels: { result: string; variant: string; arch: string }) => void;
  readonly signed: (labels: { mode: string; result: string }) => void;
  readonly published: (labels: { backend: string; result: string }) => void;
  readonly notified: (status: string) => void;
  readonly pushed: (result: string, attempts: number) => void;
  /** a request is sent to the API server; `resource`: as its access rules name it, with a subresource */
  readonly apiCalled: (verb: string, resource: string) => void;
  readonly watchRestarted: (resource: string, cause: WatchCause) => void;
  /** something came over a watch, or a list was read */
  readonly watchHeard: (resource: string, at: Date) => void;
  readonly showQueue: (read: () => QueueFigures) => void;
  /** how many releases are in each phase */
  readonly showReleases: (read: () => ReadonlyMap<string, number>) => void;
  readonly showLeader: (read: () => boolean) => void;
};

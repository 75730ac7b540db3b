import type { ControllerMetrics } from "../../controller/ports/controller-metrics.ts";

const nothing = (): void => undefined;

/** Counts nothing. */
export const silentMetrics: ControllerMetrics = {
  ...{ reconciled: nothing, stepEnded: nothing, stepFailed: nothing, buildAttempted: nothing, compared: nothing },
  ...{ signed: nothing, published: nothing, notified: nothing, pushed: nothing, apiCalled: nothing },
  ...{ watchRestarted: nothing, watchHeard: nothing, showQueue: nothing, showReleases: nothing, showLeader: nothing },
};

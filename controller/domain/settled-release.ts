import type { ClusterRelease } from "./cluster-objects.ts";

/** Whether nothing can come of a look: it is released, or has a verdict, and nobody asked for another try. */
export function isSettled({ status, asked }: Pick<ClusterRelease, "status" | "asked">): boolean {
  const { lastHandledReconcileAt = "", lastHandledRetryAt = "" } = status;
  if (asked.reconcileAt !== lastHandledReconcileAt || asked.retryAt !== lastHandledRetryAt) return false;
  const ready = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
  return ready || status.failure?.class === "Verdict";
}

/**
 * A release as far as it is worth keeping: most of a cluster's are settled and without Jobs, and of those nobody asks for
 * targets, steps or builds. Whatever unsettles one changes its object, which then is read anew.
 */
export function keptRelease(release: ClusterRelease): ClusterRelease {
  if (release.held || !isSettled(release)) return release;
  const { spec, status } = release;
  const { phase, conditions = [], failure, lastHandledReconcileAt, lastHandledRetryAt } = status;
  return {
    ...release,
    spec: { ...spec, targets: [] },
    status: {
      ...(phase === undefined ? {} : { phase }),
      conditions: conditions.filter(({ type }) => type === "Ready"),
      ...(failure === undefined ? {} : { failure }),
      ...(lastHandledReconcileAt === undefined ? {} : { lastHandledReconcileAt }),
      ...(lastHandledRetryAt === undefined ? {} : { lastHandledRetryAt }),
    },
  };
}

import type { ReleaseStatus } from "./release-status.ts";

/**
 * Milliseconds for which the Jobs and volumes of a release that failed for ever are still kept, as evidence; at most 0:
 * no longer. `retention` in milliseconds, from when the release was last said to be not ready.
 */
export function evidenceLeft({ conditions = [] }: ReleaseStatus, retention: number, now: Date): number {
  const since = conditions.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return (since === undefined ? now.getTime() : Date.parse(since)) + retention - now.getTime();
}

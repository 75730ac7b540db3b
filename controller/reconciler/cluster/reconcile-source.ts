import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { composeSourceStatus, type SourceLook } from "../../domain/compose-source-status.ts";
import { secondsOf } from "../../domain/duration.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { sameContent } from "../../domain/same-content.ts";
import type { SourceStatus } from "../../domain/source-status.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";
import { type Outcome, slowRetry } from "../outcome.ts";
import { type FollowedSource, type SyncPorts, syncSource } from "../sync-source.ts";

export type SourceReconciler = {
  readonly sources: Pick<ObjectCache<ClusterSource>, "get">;
  readonly status: StatusWriter<ClusterSource, SourceStatus>;
  /** the repository of a source, and what it may make releases of */
  readonly open: (source: ClusterSource, signal: AbortSignal) => Promise<SyncPorts & { followed: FollowedSource }>;
  readonly clock: Pick<Clock, "now">;
  /** from 0 to 1: sources are not all looked at in the same moment */
  readonly random: () => number;
};

/** Part of the interval by which a look may come later. */
const JITTER = 0.1;

/**
 * Looks at a source's branch, makes the objects that it asks for, and says in its status what it saw. A status that says
 * the same is not written again.
 */
export async function reconcileSource(
  { sources, status, open, clock, random }: SourceReconciler,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const source = sources.get(key);
  if (source === undefined || source.deleted) return { kind: "done" };
  const tell = async (look: SourceLook): Promise<void> => {
    const next = composeSourceStatus(source.status, source, look, clock.now());
    const asked = source.reconcileAt === "" ? {} : { lastHandledReconcileAt: source.reconcileAt };
    const wanted = { ...next, ...asked };
    if (!sameContent(wanted, source.status)) await status.write(source, wanted, signal);
  };
  if (source.spec.suspend) {
    await tell({ kind: "suspended" });
    return { kind: "done" };
  }
  try {
    const { followed, ...ports } = await open(source, signal);
    const { commit, problems } = await syncSource(ports, followed, signal);
    await tell({ kind: "read", commit, problems });
  } catch (error) {
    if (signal.aborted) throw error;
    const fault =
      error instanceof ReleaseError ? error : new ReleaseError("Internal", String(error), "report this as a bug");
    await tell({
      kind: "failed",
      fault: fault.kind,
      reason: fault.code,
      message: `${fault.message} (${fault.remedy})`,
    });
    const later = slowRetry(fault);
    if (later !== null) return later;
    throw error;
  }
  return { kind: "again", after: secondsOf(source.spec.interval) * 1000 * (1 + JITTER * random()) };
}

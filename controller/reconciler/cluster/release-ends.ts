import type { Admitted } from "../../domain/admission.ts";
import type { ClusterClass, ClusterRelease } from "../../domain/cluster-objects.ts";
import type { ConditionEvent } from "../../domain/condition-events.ts";
import { secondsOf } from "../../domain/duration.ts";
import { evidenceLeft } from "../../domain/evidence.ts";
import { releaseSubject } from "../../domain/release-object.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventRecorder } from "../../ports/event-recorder.ts";
import type { Outcome } from "../outcome.ts";
import type { ReleaseOpener } from "./release-opener.ts";
import type { ToldRelease } from "./told-release.ts";

// How a release ends that may have Jobs.

/** With what they are removed, and told of where that fails. */
export type Ending = {
  readonly opener: Pick<ReleaseOpener, "cleanUp" | "letGo">;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Pick<Clock, "now">;
  readonly isLeader: () => boolean;
};

/** How long the Jobs of a release that is deleted may take to end; milliseconds, as all of these. */
const DELETION_LIMIT = 5 * 60_000;
const DELETION_RETRY = 10_000;
/** When the Jobs of a release that ended are tried again that could not be removed. */
const CLEAN_UP_RETRY = 60_000;

const notRemoved = (reason: string, action: string, fault: unknown): ConditionEvent => ({
  ...{ type: "Warning", reason, action },
  note: `its Jobs could not be removed: ${fault instanceof Error ? fault.message : String(fault)}`,
});

/** The end of a release that was deleted: it goes in any case, if need be without them. */
export async function endDeleted(
  { opener, events, clock }: Ending,
  release: ClusterRelease,
  ofClass: ClusterClass | undefined,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    await opener.cleanUp(release, ofClass, signal);
  } catch (fault) {
    if (signal.aborted) throw fault;
    if (clock.now().getTime() - Date.parse(release.deletedAt) < DELETION_LIMIT)
      return { kind: "again", after: DELETION_RETRY };
    events.record(releaseSubject(release), notRemoved("FinalizerTimeout", "Deleted", fault));
    await opener.letGo(release, signal);
  }
  return { kind: "done" };
}

/** The end of one that was worked on. Of one that failed the Jobs are evidence, for as long as the class says. */
export async function endHeld(
  { opener, events, clock, isLeader }: Ending,
  { release, class: of }: Admitted,
  told: ToldRelease,
  signal: AbortSignal,
): Promise<Outcome> {
  const shown = await told.end();
  const { record } = told.known.observed;
  if (record.kind !== "recorded" && record.kind !== "failed") return shown;
  const retention = record.kind === "failed" ? secondsOf(of.spec.retention.evidence) * 1000 : 0;
  const left = retention === 0 ? 0 : evidenceLeft(told.current(), retention, clock.now());
  if (left > 0) return { kind: "again", after: left };
  try {
    await opener.cleanUp(release, of, signal);
  } catch (fault) {
    if (signal.aborted || !isLeader()) throw fault;
    // it ended as its status says, whatever is still to be removed
    events.record(releaseSubject(release), notRemoved("CleanUpFailed", "CleanUp", fault));
    return { kind: "again", after: CLEAN_UP_RETRY };
  }
  return shown;
}

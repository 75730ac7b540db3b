import { conditionEvents } from "../../domain/condition-events.ts";
import type { ClusterRelease } from "../../domain/cluster-objects.ts";
import { releaseSubject } from "../../domain/release-object.ts";
import type { ReleaseStatus } from "../../domain/release-status.ts";
import { sameContent } from "../../domain/same-content.ts";
import type { EventRecorder } from "../../ports/event-recorder.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";

/** Keeps the status of one release up to date while it is worked on. */
export type StatusSession = {
  /** the status as it is to be; what is written lags behind it */
  readonly current: () => ReleaseStatus;
  /** a new status: it is written soon, unless a newer one comes first. One event tells each transition of a condition */
  readonly propose: (status: ReleaseStatus) => void;
  /**
   * waits until the last one is written
   * @throws what the last attempt at writing it threw
   */
  readonly settled: () => Promise<void>;
};

/** One write at a time, only of what changed, and of several that wait only the last. */
export function statusSession(
  release: ClusterRelease,
  writer: StatusWriter<ClusterRelease, ReleaseStatus>,
  events: Pick<EventRecorder, "record">,
  signal: AbortSignal,
): StatusSession {
  const about = releaseSubject(release);
  let wanted = release.status;
  let written = release.status;
  let writing: Promise<void> | undefined;

  const write = async (): Promise<void> => {
    while (!sameContent(wanted, written)) {
      const next = wanted;
      await writer.write(release, next, signal);
      written = next;
    }
  };
  const begin = (): Promise<void> => {
    writing ??= write().finally(() => (writing = undefined));
    return writing;
  };

  return {
    current: () => wanted,
    propose: (status) => {
      for (const event of conditionEvents(wanted.conditions ?? [], status.conditions ?? []))
        events.record(about, event);
      wanted = status;
      begin().catch(() => undefined); // whoever waits for it hears of it, and the next proposal tries again
    },
    settled: async () => {
      await writing?.catch(() => undefined);
      await begin();
    },
  };
}

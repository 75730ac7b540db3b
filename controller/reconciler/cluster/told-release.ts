import { type Action, actionKey } from "../../domain/action.ts";
import type { ClusterRelease } from "../../domain/cluster-objects.ts";
import { composeStatus } from "../../domain/compose-status.ts";
import type { Decision } from "../../domain/decide.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { type JobProgress, jobTitle } from "../../domain/jobs/job-progress.ts";
import type { Observed } from "../../domain/observed.ts";
import { type Place, tellQueue } from "../../domain/queued-runs.ts";
import type { Failure, ReleaseStatus } from "../../domain/release-status.ts";
import { failureAt } from "../../domain/step-fault.ts";
import { unobserved } from "../../domain/unobserved.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventRecorder } from "../../ports/event-recorder.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";
import type { Outcome } from "../outcome.ts";
import { statusSession } from "./status-session.ts";

/** What is known of a release while it is worked on, and how that is told. */
export type ToldRelease = {
  /** whoever works on it changes this, and then shows it */
  readonly known: {
    observed: Observed;
    decision: Decision;
    failure: Failure | null;
    /** why its Jobs go on although it is suspended */
    notHeld: string | null;
  };
  /** its status and events say what is known by now; they are written soon */
  readonly show: () => void;
  /** shows how a Job of it stands */
  readonly onJob: (progress: JobProgress) => void;
  /** shows the place of an action that waits for its turn; null: it waits no more */
  readonly onPlace: (action: Action, place: Place | null) => void;
  /** the status as it is to be */
  readonly current: () => ReleaseStatus;
  /**
   * Shows what is known, and waits until it is written: there is no more to do.
   * @throws what the last attempt at writing it threw
   */
  readonly end: () => Promise<Outcome>;
  /** the same after a fault that ended the work; it may be tried again. Throws nothing: the fault is told elsewhere too */
  readonly endAfter: (fault: unknown) => Promise<void>;
};

/** Whether someone asked for another try of a release that was begun before. */
const isRetry = ({ status, asked }: ClusterRelease): boolean =>
  asked.retryAt !== "" && asked.retryAt !== status.lastHandledRetryAt && status.attempt !== undefined;

/** Begins with nothing known of a release but its object. */
export function toldRelease(
  release: ClusterRelease,
  status: StatusWriter<ClusterRelease, ReleaseStatus>,
  events: Pick<EventRecorder, "record">,
  clock: Pick<Clock, "now">,
  signal: AbortSignal,
): ToldRelease {
  const { generation, asked } = release;
  const session = statusSession(release, status, events, signal);
  const specDigest = release.spec.source?.specDigest ?? (`sha256:${"0".repeat(64)}` as const);
  const known: ToldRelease["known"] = {
    observed: unobserved(release, specDigest, { kind: "absent" }),
    decision: { conditions: [], actions: [], outcome: { kind: "working" } },
    ...{ failure: null, notHeld: null },
  };
  const queued = new Map<string, Place>();
  const jobs = new Map<string, JobProgress>();
  const show = (): void => {
    const { observed, decision, failure, notHeld } = known;
    const next = composeStatus(session.current(), {
      ...{ observed, decision: tellQueue(decision, queued), generation, failure, jobs: [...jobs.values()] },
      ...{ suspended: release.spec.suspend, notHeld, now: clock.now() },
    });
    session.propose({
      ...next,
      ...(asked.reconcileAt === "" ? {} : { lastHandledReconcileAt: asked.reconcileAt }),
      ...(asked.retryAt === "" ? {} : { lastHandledRetryAt: asked.retryAt }),
      ...(isRetry(release) ? { attempt: (release.status.attempt ?? 1) + 1 } : {}),
    });
  };
  return {
    ...{ known, show, current: session.current },
    onJob: (progress) => {
      jobs.set(jobTitle(progress.ref), progress);
      show();
    },
    onPlace: (action, place) => {
      if (place === null) queued.delete(actionKey(action));
      else queued.set(actionKey(action), place);
      show();
    },
    end: async () => {
      show();
      await session.settled();
      return { kind: "done" };
    },
    endAfter: async (fault) => {
      const error =
        fault instanceof ReleaseError ? fault : new ReleaseError("Internal", String(fault), "report this as a bug");
      known.failure ??= failureAt("Admitted", error);
      const { step, reason, message } = known.failure;
      if (known.failure.class === "Permanent" || known.failure.class === "Verdict") {
        const others = known.decision.conditions.filter(({ type }) => type !== step);
        const { code, remedy } = error;
        known.decision = {
          ...{ conditions: [...others, { type: step, reason, message }], actions: [] },
          outcome: { kind: "stopped", code, message, remedy },
        };
      }
      show();
      await session.settled().catch(() => undefined);
    },
  };
}

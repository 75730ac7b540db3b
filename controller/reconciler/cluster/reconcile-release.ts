import { admission, type Admitted } from "../../domain/admission.ts";
import type { ClusterClass, ClusterRelease, ClusterSource } from "../../domain/cluster-objects.ts";
import type { ConditionEvent } from "../../domain/condition-events.ts";
import { composeStatus } from "../../domain/compose-status.ts";
import { type DecidedCondition, type Decision, decide } from "../../domain/decide.ts";
import { secondsOf } from "../../domain/duration.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { oneLine } from "../../domain/format.ts";
import { evidenceLeft } from "../../domain/evidence.ts";
import { type Action, actionKey } from "../../domain/action.ts";
import { type JobProgress, jobTitle } from "../../domain/jobs/job-progress.ts";
import { type Place, queuedRelease, tellQueue } from "../../domain/queued-runs.ts";
import type { Observed, ObservedRecord } from "../../domain/observed.ts";
import { runsOf } from "../../domain/plan.ts";
import { type NodeLabels, preflight } from "../../domain/preflight.ts";
import { readReleaseFolder, releaseDigest, type ReleaseFolder } from "../../domain/release-folder.ts";
import { releaseSubject } from "../../domain/release-object.ts";
import { type Failure, MESSAGE } from "../../domain/release-status.ts";
import { failureAt, failureOf } from "../../domain/step-fault.ts";
import { unobserved } from "../../domain/unobserved.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventRecorder } from "../../ports/event-recorder.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";
import type { SpecTree } from "../../ports/spec-repository.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";
import { nextAfterFault, type Outcome, slowRetry } from "../outcome.ts";
import { reconcile, type ReleaseWork } from "../reconcile.ts";
import type { Turns } from "../turns.ts";
import { guardedWork } from "./guarded-work.ts";
import { type StatusSession, statusSession } from "./status-session.ts";

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

/** Turns of a class, for releases and for runs. */
export type ClassTurns = { readonly releases: Pick<Turns, "announce" | "take">; readonly builds: Pick<Turns, "take"> };

export type ReleaseReconciler = {
  readonly releases: Pick<ObjectCache<ClusterRelease>, "get">;
  readonly classes: Pick<ObjectCache<ClusterClass>, "get">;
  readonly sources: Pick<ObjectCache<ClusterSource>, "get">;
  readonly opener: ReleaseOpener;
  readonly status: StatusWriter<ClusterRelease, ClusterRelease["status"]>;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Pick<Clock, "now">;
  /** whether this process leads, asked before each effect */
  readonly isLeader: () => boolean;
  readonly turns: (ofClass: ClusterClass) => ClassTurns;
};

const DONE: Outcome = { kind: "done" };

/** Whether nothing can come of a look: it is released, or has a verdict, and nobody asked for another try. */
function isSettled({ status, asked }: ClusterRelease): boolean {
  const { lastHandledReconcileAt = "", lastHandledRetryAt = "" } = status;
  if (asked.reconcileAt !== lastHandledReconcileAt || asked.retryAt !== lastHandledRetryAt) return false;
  const ready = status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;
  return ready || status.failure?.class === "Verdict";
}

/** Whether someone asked for another try of a release that was begun before. */
const isRetry = ({ status, asked }: ClusterRelease): boolean =>
  asked.retryAt !== "" && asked.retryAt !== status.lastHandledRetryAt && status.attempt !== undefined;

/** Whether a release was begun, or told that it may be: what holds then is not asked again. */
const wasAdmitted = ({ held, status }: ClusterRelease): boolean =>
  held || (status.conditions?.some(({ type, status: value }) => type === "Admitted" && value === "True") ?? false);

/** The decision about a release that cannot go on before anything was observed. */
const refused = (condition: DecidedCondition): Decision => ({
  conditions: [condition],
  actions: [],
  outcome: { kind: "stopped", code: "SpecInvalid", message: condition.message, remedy: "" },
});

/** Milliseconds until the Jobs of a release that is suspended are looked at once more: one may have been under way. */
const SUSPEND_CHECK = 10_000;
/** Milliseconds until Jobs are tried again that the cluster refuses to suspend. */
const SUSPEND_RETRY = 60_000;

/** Milliseconds until the nodes are asked again for a release that none of them can build. */
const NODES_RETRY = 60_000;

/** Reads a release's folder at the commit that its object names, and holds the object against it. */
async function contentOf(
  { release, source, from }: Admitted,
  opener: ReleaseOpener,
  signal: AbortSignal,
): Promise<ReleaseFolder | DecidedCondition> {
  const refuse = (message: string): DecidedCondition => ({ type: "Admitted", reason: "NotFromGit", message });
  const tree = await opener.treeAt(from, source.commit, signal);
  if (tree === null) return refuse(`the repository of ${from.name} has no commit ${source.commit}`);
  const path = `${from.spec.path}/${release.name}`;
  const folder = readReleaseFolder(release.name, path, await tree.readDirectory(path));
  if (releaseDigest(folder) === source.specDigest) return folder;
  return refuse(`${path} of commit ${source.commit} has other content than this object`);
}

/** How long the Jobs of a release that is deleted may take to end. */
const DELETION_LIMIT = 5 * 60_000;
const DELETION_RETRY = 10_000;
/** Until Jobs of a release that ended are removed, it is tried again in so many milliseconds. */
const CLEAN_UP_RETRY = 60_000;

const notRemoved = (reason: string, action: string, fault: unknown): ConditionEvent => ({
  ...{ type: "Warning", reason, action },
  note: `its Jobs could not be removed: ${fault instanceof Error ? fault.message : String(fault)}`,
});

/** The end of a release that was deleted while it may have Jobs: it goes in any case, if need be without them. */
async function endDeleted(
  { opener, events, clock }: Pick<ReleaseReconciler, "opener" | "events" | "clock">,
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
  return DONE;
}

/** Does all there is to do for one release, to its end; status and events tell how far it is. */
export async function reconcileRelease(
  { releases, classes, sources, opener, status, events, clock, isLeader, turns }: ReleaseReconciler,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const release = releases.get(key);
  if (release === undefined) return DONE;
  const ofClass = classes.get(`${release.namespace}/${release.spec.className}`);
  if (release.deleted) return release.held ? endDeleted({ opener, events, clock }, release, ofClass, signal) : DONE;
  // of one that is settled no Job is at work, and nothing it reached is taken back
  if (isSettled(release) && (!release.held || release.spec.suspend)) return DONE;
  const { namespace, generation, asked } = release;
  const session = statusSession(release, status, events, signal);
  const nothing: ObservedRecord = { kind: "absent" };
  let observed: Observed = unobserved(release, release.spec.source?.specDigest ?? `sha256:${"0".repeat(64)}`, nothing);
  let decision: Decision = { conditions: [], actions: [], outcome: { kind: "working" } };
  let failure: Failure | null = null;
  /** runs that wait for their turn, by the key of their action */
  const queued = new Map<string, Place>();
  /** how its Jobs stand, by their titles */
  const jobs = new Map<string, JobProgress>();
  /** why its Jobs go on although it is suspended */
  let notHeld: string | null = null;
  /** gives back the turn, or that one was announced */
  let withdraw = (): void => undefined;
  const show = (): void => {
    const next = composeStatus(session.current(), {
      ...{
        observed,
        decision: tellQueue(decision, queued),
        generation,
        failure,
        jobs: [...jobs.values()],
        suspended: release.spec.suspend,
        notHeld,
        now: clock.now(),
      },
    });
    session.propose({
      ...next,
      ...(asked.reconcileAt === "" ? {} : { lastHandledReconcileAt: asked.reconcileAt }),
      ...(asked.retryAt === "" ? {} : { lastHandledRetryAt: asked.retryAt }),
      ...(isRetry(release) ? { attempt: (release.status.attempt ?? 1) + 1 } : {}),
    });
  };
  const end = async (): Promise<Outcome> => {
    show();
    await session.settled();
    return DONE;
  };
  if (release.spec.suspend) return hold(release);
  try {
    const { source } = release;
    const from = source === null ? undefined : sources.get(`${namespace}/${source}`);
    const judged = admission(release, from, ofClass);
    if (!judged.admitted) {
      decision = refused(judged.condition);
      return await end();
    }
    const { order } = release;
    const { releases: turnsOfReleases, builds } = turns(judged.class);
    withdraw = turnsOfReleases.announce(order);
    const record = await opener.record(judged, signal);
    observed = { ...observed, record };
    if (record.kind === "absent" && !wasAdmitted(release)) {
      const lack = await lackOfNodes(judged);
      if (lack !== null) {
        decision = refused(lack);
        await end();
        return { kind: "again", after: NODES_RETRY };
      }
    }
    if (record.kind === "absent") {
      // contents are large: they are read when the turn has come
      const accepted = decide(observed).conditions.find(({ type }) => type === "Admitted");
      const turn = turnsOfReleases.take(order, signal, (place) => {
        if (accepted !== undefined) decision = queuedRelease(accepted, place);
        show();
      });
      withdraw();
      withdraw = await turn;
    }
    const folder = await contentOf(judged, opener, signal);
    if (!("release" in folder)) {
      decision = refused(folder);
      return await end();
    }
    if (record.kind !== "absent") {
      decision = decide(observed); // adopted, or in its own way: nothing else needs to be looked at
      if (!release.held) return await end();
      return await endHeld(judged);
    }
    await carryOut(judged, folder, builds);
    withdraw();
    return await endHeld(judged);
  } catch (fault) {
    if (signal.aborted || !isLeader()) throw fault; // the status is that of the one who leads
    await tell(session, fault);
    const later = slowRetry(fault);
    if (later !== null) return later;
    throw fault;
  } finally {
    withdraw();
  }

  /** Holds the release where it stands, and its Jobs with it. */
  async function hold(of: ClusterRelease): Promise<Outcome> {
    const wasTold = of.status.conditions?.some(({ type, reason }) => type === "Ready" && reason === "Suspended");
    let suspended = 0;
    try {
      if (of.held) suspended = await opener.suspend(of, ofClass, signal);
    } catch (fault) {
      if (signal.aborted || !isLeader()) throw fault;
      const text = fault instanceof ReleaseError ? `${fault.message} (${fault.remedy})` : String(fault);
      notHeld = oneLine(text).slice(0, MESSAGE);
      show();
      await session.settled().catch(() => undefined); // the fault itself is told to whoever asked
      if (nextAfterFault(fault).kind === "retry") throw fault;
      return { kind: "again", after: SUSPEND_RETRY };
    }
    await end();
    return wasTold === true && suspended === 0 ? DONE : { kind: "again", after: SUSPEND_CHECK };
  }

  /** Why no cluster of these nodes can build it; null: it can. */
  async function lackOfNodes({ release: { spec }, class: of }: Admitted): Promise<DecidedCondition | null> {
    const arches = observed.arches.map(({ arch }) => arch);
    try {
      const nodes = await opener.nodes(signal);
      return preflight(nodes, { arches, runs: runsOf(of.spec.gate, spec), class: of.spec });
    } catch (fault) {
      if (fault instanceof ReleaseError) failure = failureAt("Admitted", fault, "NoNodeForArch");
      throw fault;
    }
  }

  /** The end of a release that may have Jobs. Of one that failed they are evidence, for as long as the class says. */
  async function endHeld({ release: ended, class: of }: Admitted): Promise<Outcome> {
    const shown = await end();
    const { record } = observed;
    if (record.kind !== "recorded" && record.kind !== "failed") return shown;
    const retention = record.kind === "failed" ? secondsOf(of.spec.retention.evidence) * 1000 : 0;
    const left = retention === 0 ? 0 : evidenceLeft(session.current(), retention, clock.now());
    if (left > 0) return { kind: "again", after: left };
    try {
      await opener.cleanUp(ended, of, signal);
    } catch (fault) {
      if (signal.aborted || !isLeader()) throw fault;
      // it ended as its status says, whatever is still to be removed
      events.record(releaseSubject(ended), notRemoved("CleanUpFailed", "CleanUp", fault));
      return { kind: "again", after: CLEAN_UP_RETRY };
    }
    return shown;
  }

  /** All that is left to do, by the leader, each run in its turn. */
  async function carryOut(judged: Admitted, folder: ReleaseFolder, builds: Pick<Turns, "take">): Promise<void> {
    const conditions = () => session.current().conditions ?? [];
    const onJob = (progress: JobProgress): void => {
      jobs.set(jobTitle(progress.ref), progress);
      show();
    };
    const work = await opener.work({ ...judged, folder, onJob }, conditions, signal);
    const onPlace = (action: Action, place: Place | null): void => {
      if (place === null) queued.delete(actionKey(action));
      else queued.set(actionKey(action), place);
      show();
    };
    const order = judged.release.order;
    await reconcile(
      guardedWork(work, { isLeader, builds, order, onPlace }),
      signal,
      (decided, from_) => {
        [decision, observed, failure] = [decided, from_, null];
        show();
      },
      (action, fault) => {
        if (fault instanceof ReleaseError) failure = failureOf(action, fault);
      },
    );
  }

  /** The status of a release that a fault ended; it may be tried again. */
  async function tell(to: StatusSession, fault: unknown): Promise<void> {
    const known =
      fault instanceof ReleaseError ? fault : new ReleaseError("Internal", String(fault), "report this as a bug");
    failure ??= failureAt("Admitted", known);
    const { step, reason, message } = failure;
    if (failure.class === "Permanent" || failure.class === "Verdict") {
      const others = decision.conditions.filter(({ type }) => type !== step);
      const { code, remedy } = known;
      decision = {
        ...{ conditions: [...others, { type: step, reason, message }], actions: [] },
        outcome: { kind: "stopped", code, message, remedy },
      };
    }
    show();
    await to.settled().catch(() => undefined); // the fault itself is told to whoever asked
  }
}

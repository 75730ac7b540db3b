import { admission, type Admitted } from "../../domain/admission.ts";
import type { ClusterClass, ClusterRelease, ClusterSource } from "../../domain/cluster-objects.ts";
import { type DecidedCondition, decide } from "../../domain/decide.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { queuedRelease } from "../../domain/queued-runs.ts";
import type { ReleaseFolder } from "../../domain/release-folder.ts";
import { isSettled } from "../../domain/settled-release.ts";
import { failureOf } from "../../domain/step-fault.ts";
import type { Clock } from "../../ports/clock.ts";
import type { EventRecorder } from "../../ports/event-recorder.ts";
import type { ObjectCache } from "../../ports/object-cache.ts";
import type { StatusWriter } from "../../ports/status-writer.ts";
import { type Outcome, slowRetry } from "../outcome.ts";
import { reconcile } from "../reconcile.ts";
import type { Turns } from "../turns.ts";
import { contentOf, lackOfNodes, wasAdmitted } from "./admit-release.ts";
import { guardedWork } from "./guarded-work.ts";
import { holdSuspended } from "./hold-suspended.ts";
import { endDeleted, endHeld } from "./release-ends.ts";
import type { ReleaseOpener } from "./release-opener.ts";
import { type ToldRelease, toldRelease } from "./told-release.ts";

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

/** Milliseconds until the nodes are asked again for a release that none of them can build. */
const NODES_RETRY = 60_000;

/** Does all there is to do for one release, to its end; status and events tell how far it is. */
export async function reconcileRelease(
  reconciler: ReleaseReconciler,
  key: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const { releases, classes, status, events, clock, isLeader } = reconciler;
  const release = releases.get(key);
  if (release === undefined) return DONE;
  const ofClass = classes.get(`${release.namespace}/${release.spec.className}`);
  if (release.deleted) return release.held ? endDeleted(reconciler, release, ofClass, signal) : DONE;
  // of one that is settled no Job is at work, and nothing it reached is taken back
  if (isSettled(release) && (!release.held || release.spec.suspend)) return DONE;
  const told = toldRelease(release, status, events, clock, signal);
  if (release.spec.suspend) return holdSuspended(reconciler, release, ofClass, told, signal);
  try {
    return await workOn(reconciler, release, ofClass, told, signal);
  } catch (fault) {
    if (signal.aborted || !isLeader()) throw fault; // the status is that of the one who leads
    await told.endAfter(fault);
    const later = slowRetry(fault);
    if (later !== null) return later;
    throw fault;
  }
}

/** Admits a release, waits for its turn, and brings it to its end. */
async function workOn(
  reconciler: ReleaseReconciler,
  release: ClusterRelease,
  ofClass: ClusterClass | undefined,
  told: ToldRelease,
  signal: AbortSignal,
): Promise<Outcome> {
  const { sources, opener, turns } = reconciler;
  const { known } = told;
  const refuse = (condition: DecidedCondition): Promise<Outcome> => {
    const outcome = { kind: "stopped", code: "SpecInvalid", message: condition.message, remedy: "" } as const;
    known.decision = { conditions: [condition], actions: [], outcome };
    return told.end();
  };
  const { source, namespace, order, held } = release;
  const from = source === null ? undefined : sources.get(`${namespace}/${source}`);
  const judged = admission(release, from, ofClass);
  if (!judged.admitted) return refuse(judged.condition);
  const { releases: turnsOfReleases, builds } = turns(judged.class);
  /** gives back the turn, or that one was announced */
  let withdraw = turnsOfReleases.announce(order);
  try {
    const record = await opener.record(judged, signal);
    known.observed = { ...known.observed, record };
    if (record.kind === "absent") {
      const lack = wasAdmitted(release) ? null : await lackOfNodes(judged, opener, told, signal);
      if (lack !== null) {
        await refuse(lack);
        return { kind: "again", after: NODES_RETRY };
      }
      // contents are large: they are read when the turn has come
      const accepted = decide(known.observed).conditions.find(({ type }) => type === "Admitted");
      const turn = turnsOfReleases.take(order, signal, (place) => {
        if (accepted !== undefined) known.decision = queuedRelease(accepted, place);
        told.show();
      });
      withdraw();
      withdraw = await turn;
    }
    const folder = await contentOf(judged, opener, signal);
    if (!("release" in folder)) return await refuse(folder);
    if (record.kind !== "absent") {
      known.decision = decide(known.observed); // adopted, or in its own way: nothing else needs to be looked at
      return held ? await endHeld(reconciler, judged, told, signal) : await told.end();
    }
    await carryOut(reconciler, judged, folder, builds, told, signal);
    withdraw();
    return await endHeld(reconciler, judged, told, signal);
  } finally {
    withdraw();
  }
}

/** All that is left to do, by the leader, each run in its turn. */
async function carryOut(
  { opener, isLeader }: ReleaseReconciler,
  judged: Admitted,
  folder: ReleaseFolder,
  builds: Pick<Turns, "take">,
  told: ToldRelease,
  signal: AbortSignal,
): Promise<void> {
  const conditions = () => told.current().conditions ?? [];
  const { onJob, onPlace, known } = told;
  const work = await opener.work({ ...judged, folder, onJob }, conditions, signal);
  await reconcile(
    guardedWork(work, { isLeader, builds, order: judged.release.order, onPlace }),
    signal,
    (decision, observed) => {
      [known.decision, known.observed, known.failure] = [decision, observed, null];
      told.show();
    },
    (action, fault) => {
      if (fault instanceof ReleaseError) known.failure = failureOf(action, fault);
    },
  );
}

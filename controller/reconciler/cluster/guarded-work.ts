import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { Place } from "../../domain/queued-runs.ts";
import type { ReleaseWork } from "../reconcile.ts";
import type { Turns } from "../turns.ts";

export type Guards = {
  /** asked before each effect: whoever leads no more does nothing more */
  readonly isLeader: () => boolean;
  /** turns of runs of the class */
  readonly builds: Pick<Turns, "take">;
  /** the release's place in the order of turns */
  readonly order: string;
  /** told where a run stands that waits; null: it began */
  readonly onPlace: (action: Action, place: Place | null) => void;
};

/** A release's work as one of many: each effect only by the leader, and each run in its turn. */
export function guardedWork(work: ReleaseWork, { isLeader, builds, order, onPlace }: Guards): ReleaseWork {
  const act: ReleaseWork["act"] = async (action, signal) => {
    if (isLeader()) return work.act(action, signal);
    throw new ReleaseError("LeaseLost", "this process leads no more", "nothing: the one that leads goes on");
  };
  return {
    observe: work.observe,
    act: async (action, signal) => {
      if (action.kind !== "build") return act(action, signal);
      const end = await builds.take(`${order} ${action.arch} ${action.run}`, signal, (place) => onPlace(action, place));
      try {
        onPlace(action, null);
        return await act(action, signal);
      } finally {
        end();
      }
    },
  };
}

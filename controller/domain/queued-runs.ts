import { type Action, actionKey } from "./action.ts";
import type { DecidedCondition, Decision } from "./decide.ts";

/** Where something stands in a queue: the first of 12 is 1 of 12. */
export type Place = { readonly place: number; readonly of: number };

const queuedCondition = ({ place, of }: Place): DecidedCondition => ({
  ...{ type: "Built", reason: "Queued", message: `Queued ${place} of ${of}` },
});

/** What is decided about a release that waits for its turn: that it may be worked on, and nothing more. */
export const queuedRelease = (admitted: DecidedCondition, place: Place): Decision => ({
  conditions: [admitted, queuedCondition(place)],
  actions: [],
  outcome: { kind: "working" },
});

/**
 * The decision as it is told while runs wait for their turn: with the first one's place, unless another run is at work.
 * @param queued places by the key of the action
 */
export function tellQueue(decision: Decision, queued: ReadonlyMap<string, Place>): Decision {
  const builds = decision.actions.filter((action: Action) => action.kind === "build").map(actionKey);
  const places = builds.flatMap((key) => queued.get(key) ?? []);
  const [first] = places.toSorted((a, b) => a.place - b.place);
  if (first === undefined || places.length < builds.length) return decision;
  const conditions = decision.conditions.map((one) => (one.type === "Built" ? queuedCondition(first) : one));
  return { ...decision, conditions };
}

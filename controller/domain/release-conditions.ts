import { clearCondition, type Condition, type ConditionUpdate, setCondition, statusOf } from "./conditions.ts";
import type { Decision } from "./decide.ts";

/** metadata.generation: a file in git has none, and a release never changes. */
const GENERATION = 1;

type Setting = { readonly type: string; readonly reason: string; readonly message: string };

/** Sets a condition whose reason was chosen elsewhere; conditions.ts refuses one that the type does not have. */
const set = (conditions: readonly Condition[], setting: Setting, now: Date): Condition[] =>
  setCondition(conditions, { ...setting, observedGeneration: GENERATION } as ConditionUpdate, now);

/**
 * The conditions after a decision: those of its steps, and Ready, Reconciling and Stalled as kstatus reads them.
 * @throws RangeError if a step has a reason that its condition does not know
 */
export function withDecision(conditions: readonly Condition[], decision: Decision, now: Date): Condition[] {
  const { outcome } = decision;
  const steps = decision.conditions.reduce<Condition[]>((all, one) => set(all, one, now), [...conditions]);
  if (outcome.kind === "recorded") return succeeded(steps, now);
  if (outcome.kind === "working") {
    const message = "the release is under way";
    const ready = set(clearCondition(steps, "Stalled"), { type: "Ready", reason: "Progressing", message }, now);
    return set(ready, { type: "Reconciling", reason: "Progressing", message }, now);
  }
  const cause = decision.conditions.findLast(({ type, reason }) => statusOf(type, reason) === "False");
  const { message } = outcome;
  // what waited for this step never begins
  const told = new Set<string>(decision.conditions.map(({ type }) => type));
  const settled = steps.filter(({ type, status }) => status !== "Unknown" || told.has(type));
  const reason = cause?.reason ?? "VerificationFailed";
  const ready = set(clearCondition(settled, "Reconciling"), { type: "Ready", reason, message }, now);
  return set(ready, { type: "Stalled", reason, message }, now);
}

function succeeded(steps: readonly Condition[], now: Date): Condition[] {
  const settled = clearCondition(clearCondition(steps, "Reconciling"), "Stalled");
  const message = "published and recorded";
  return set(settled, { type: "Ready", reason: "Succeeded", message }, now);
}

/** The conditions that a record holds, of a release that was published or of one that failed: it is itself the last step. */
export function recordedConditions(conditions: readonly Condition[], now: Date): Condition[] {
  const recorded = set(conditions, { type: "Recorded", reason: "Pushed", message: "this record" }, now);
  return conditions.some(({ type }) => type === "Stalled") ? recorded : succeeded(recorded, now);
}

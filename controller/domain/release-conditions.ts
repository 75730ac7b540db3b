import { clearCondition, type Condition, type ConditionUpdate, setCondition, statusOf } from "./conditions.ts";
import type { DecidedCondition, Decision } from "./decide.ts";

/** What conditions depend on besides the decision. */
export type Circumstances = {
  readonly now: Date;
  /** metadata.generation */
  readonly generation: number;
  /** the spec holds the release where it stands */
  readonly suspended: boolean;
  /** why its Jobs go on although it is suspended; null: they do not */
  readonly notHeld: string | null;
  /** a step that failed in a way that passes; it is tried again by itself */
  readonly retried: DecidedCondition | null;
  /** what holds its Jobs up, in the cluster's words; null: nothing */
  readonly waiting: string | null;
};

/** Those of a file in git: it has no generation, and a release never changes. */
const localAt = (now: Date): Circumstances => ({
  now,
  generation: 1,
  suspended: false,
  notHeld: null,
  retried: null,
  waiting: null,
});

type Setting = { readonly type: string; readonly reason: string; readonly message: string };
type When = Pick<Circumstances, "now" | "generation">;

/** Sets a condition whose reason was chosen elsewhere; conditions.ts refuses one that the type does not have. */
const set = (conditions: readonly Condition[], setting: Setting, { now, generation }: When): Condition[] =>
  setCondition(conditions, { ...setting, observedGeneration: generation } as ConditionUpdate, now);

/**
 * The conditions after a decision: those of its steps, and Ready, Reconciling and Stalled as kstatus reads them: Ready
 * always, one of the others unless the release is done or suspended.
 * @throws RangeError if a step has a reason that its condition does not know
 */
export function conditionsAfter(
  conditions: readonly Condition[],
  decision: Decision,
  circumstances: Circumstances,
): Condition[] {
  const { outcome } = decision;
  const { suspended, notHeld, retried, waiting } = circumstances;
  const decided = [...decision.conditions, ...(retried === null ? [] : [retried])];
  const steps = decided.reduce<Condition[]>((all, one) => set(all, one, circumstances), [...conditions]);
  if (outcome.kind === "recorded") return succeeded(steps, circumstances);
  if (outcome.kind === "stopped") return stalled(steps, decision, outcome.message, circumstances);
  const idle = clearCondition(steps, "Stalled");
  if (suspended && notHeld !== null) {
    const message = `its Jobs go on, since they could not be suspended: ${notHeld}`;
    const trying = { reason: "ProgressingWithRetry", message };
    return set(
      set(idle, { type: "Ready", ...trying }, circumstances),
      { type: "Reconciling", ...trying },
      circumstances,
    );
  }
  if (suspended) {
    const message = "spec.suspend holds the release where it stands";
    return set(clearCondition(idle, "Reconciling"), { type: "Ready", reason: "Suspended", message }, circumstances);
  }
  const [reason, message] =
    retried === null
      ? ["Progressing", waiting ?? "the release is under way"]
      : ["ProgressingWithRetry", `${retried.type}: ${retried.message}`];
  const ready = set(idle, { type: "Ready", reason, message }, circumstances);
  return set(ready, { type: "Reconciling", reason, message }, circumstances);
}

/** The same for the local process. */
export const withDecision = (conditions: readonly Condition[], decision: Decision, now: Date): Condition[] =>
  conditionsAfter(conditions, decision, localAt(now));

function stalled(steps: readonly Condition[], { conditions }: Decision, message: string, when: When): Condition[] {
  const cause = conditions.findLast(({ type, reason }) => statusOf(type, reason) === "False");
  // what waited for this step never begins
  const told = new Set<string>(conditions.map(({ type }) => type));
  const settled = steps.filter(({ type, status }) => status !== "Unknown" || told.has(type));
  const reason = cause?.reason ?? "VerificationFailed";
  const ready = set(clearCondition(settled, "Reconciling"), { type: "Ready", reason, message }, when);
  return set(ready, { type: "Stalled", reason, message }, when);
}

function succeeded(steps: readonly Condition[], when: When): Condition[] {
  const settled = clearCondition(clearCondition(steps, "Reconciling"), "Stalled");
  const message = "published and recorded";
  return set(settled, { type: "Ready", reason: "Succeeded", message }, when);
}

/** The conditions that a record holds, of a release that was published or of one that failed: it is itself the last step. */
export function recordedConditions(conditions: readonly Condition[], now: Date): Condition[] {
  const when = localAt(now);
  const recorded = set(conditions, { type: "Recorded", reason: "Pushed", message: "this record" }, when);
  return conditions.some(({ type }) => type === "Stalled") ? recorded : succeeded(recorded, when);
}

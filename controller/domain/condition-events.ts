import { type Condition, STEPS, SUMMARIES } from "./conditions.ts";

/** What is told of a condition that changed. */
export type ConditionEvent = {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  /** the condition's type */
  readonly action: string;
  /** for people; the same for the same event */
  readonly note: string;
};

/** What the class or the source did not ask for is no trouble. */
const HARMLESS: ReadonlySet<string> = new Set(["NotConfigured", "Progressing", "Suspended"]);

/**
 * One event per transition: a condition whose status or reason is another than before. `Stalled`, `Reconciling` and a
 * `Ready` with a step's reason only repeat the step, and are not told. The summary's own message may hold times and
 * counts: its event says what the reason means instead.
 */
export function conditionEvents(before: readonly Condition[], after: readonly Condition[]): ConditionEvent[] {
  return after.flatMap(({ type, status, reason, message }) => {
    const known = before.find((condition) => condition.type === type);
    if (known?.status === status && known.reason === reason) return [];
    const common = {
      type: status === "False" && !HARMLESS.has(reason) ? ("Warning" as const) : ("Normal" as const),
      ...{ reason, action: type },
    };
    if (Object.hasOwn(STEPS, type)) return [{ ...common, note: message }];
    const summary =
      type === "Ready" ? Object.entries(SUMMARIES.Ready.reasons).find(([name]) => name === reason) : undefined;
    return summary === undefined ? [] : [{ ...common, note: summary[1].says }];
  });
}

import { type FaultCode, ReleaseError } from "../domain/errors.ts";

/** What one look at a key came to. `again`: look once more in so many milliseconds, whatever happens. */
export type Outcome = { readonly kind: "done" } | { readonly kind: "again"; readonly after: number };

/** What the queue does with the key then. */
export type Next =
  | { readonly kind: "forget"; readonly result: "success" | "stalled" }
  | { readonly kind: "again"; readonly result: "requeue"; readonly after: number }
  | { readonly kind: "retry"; readonly result: "retry"; readonly atLeast: number };

export const nextAfter = (outcome: Outcome): Next =>
  outcome.kind === "done"
    ? { kind: "forget", result: "success" }
    : { kind: "again", result: "requeue", after: outcome.after };

/**
 * What a fault means for the key (release-api.md 2.1). What only a person can change is not tried again: the change
 * brings the key back. Whatever is not one of our faults is a bug, and bugs may pass too.
 */
export function nextAfterFault(fault: unknown): Next {
  if (!(fault instanceof ReleaseError)) return { kind: "retry", result: "retry", atLeast: 0 };
  switch (fault.kind) {
    case "transient":
    case "resource":
      return { kind: "retry", result: "retry", atLeast: fault.retryAfter ?? 0 };
    case "permanent":
    case "verdict":
      return { kind: "forget", result: "stalled" };
  }
}

/** Milliseconds until a fault is looked at again that may lie in a Secret: these are not watched. */
const SLOW_RETRY = 5 * 60_000;

const MAY_BE_A_SECRET: ReadonlySet<unknown> = new Set<FaultCode>(["Unauthorized", "InputMissing", "KeyUnusable"]);

/** Another look in some minutes for a fault that a changed Secret may end; null: that is no such fault. */
export const slowRetry = (fault: unknown): Outcome | null =>
  fault instanceof ReleaseError && MAY_BE_A_SECRET.has(fault.code) ? { kind: "again", after: SLOW_RETRY } : null;

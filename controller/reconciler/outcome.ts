import { ReleaseError } from "../domain/errors.ts";

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

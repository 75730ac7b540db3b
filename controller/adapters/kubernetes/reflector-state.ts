import { type BackOff, backOffDelay } from "../../domain/back-off.ts";
import type { WatchCause } from "../../ports/controller-metrics.ts";

/** Waits between attempts to list and watch. */
const RESTART: BackOff = { first: 800, longest: 30_000 };

export type ReflectorState = {
  /** what to do, after waiting for so many milliseconds */
  readonly next:
    | { readonly do: "list"; readonly from: string | undefined }
    | { readonly do: "watch"; readonly resourceVersion: string };
  readonly wait: number;
  /** in a row, since a watch last told something */
  readonly failures: number;
  /** the present watch told something */
  readonly heard: boolean;
};

/** What came of it. `retryAfter`: milliseconds that the server asks for. */
export type Happening =
  | { readonly kind: "page"; readonly resourceVersion: string; readonly continue?: string }
  | { readonly kind: "event"; readonly resourceVersion: string }
  | { readonly kind: "ended" }
  | { readonly kind: "failed"; readonly cause: WatchCause; readonly retryAfter?: number };

const LIST = { do: "list", from: undefined } as const;

/** Nothing is known yet: everything is listed. */
export const START: ReflectorState = { next: LIST, wait: 0, failures: 0, heard: false };

/**
 * What to do after that ("API Concepts", "Efficient detection of changes"): list page by page, then watch from the
 * list's version on. A watch that breaks goes on from the last version that it told, so that nothing is missed and
 * nothing listed twice; only what is too old for the server is listed anew. A list without a version asks for the
 * newest state, so that no object ever goes back in time. `random` is from 0 to 1.
 */
export function advance(state: ReflectorState, happening: Happening, random: number): ReflectorState {
  switch (happening.kind) {
    case "page": {
      const { resourceVersion, continue: from } = happening;
      const next = from === undefined ? ({ do: "watch", resourceVersion } as const) : ({ do: "list", from } as const);
      return { ...state, next, wait: 0, heard: false };
    }
    case "event":
      return { next: { do: "watch", resourceVersion: happening.resourceVersion }, wait: 0, failures: 0, heard: true };
    case "ended":
      return state.heard ? { ...state, wait: 0, heard: false } : failed(state, state.next, 0, random);
    case "failed": {
      const { cause, retryAfter = 0 } = happening;
      if (cause !== "expired") return failed(state, state.next, retryAfter, random);
      const after = failed(state, LIST, retryAfter, random);
      return state.failures === 0 ? { ...after, wait: retryAfter } : after;
    }
  }
}

function failed(state: ReflectorState, next: ReflectorState["next"], atLeast: number, random: number): ReflectorState {
  const failures = state.failures + 1;
  return { next, wait: Math.max(atLeast, backOffDelay(failures, RESTART, random)), failures, heard: false };
}

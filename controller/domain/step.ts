import type { Action } from "./action.ts";
import type { StepType } from "./conditions.ts";
import type { Observed } from "./observed.ts";
import { type Failure, type Stop, stopOf } from "./verdict.ts";

/** What one step says. */
export type StepResult = {
  /** reason of the step's condition, which decides its status (conditions.ts); null: there is nothing to say yet */
  readonly reason: string | null;
  readonly message: string;
  /** what it needs next; it may begin while earlier steps are on their way */
  readonly actions: readonly Action[];
  /** whether later steps may rely on it, although its condition need not be True: a gate may only report */
  readonly passed: boolean;
  readonly stop: Stop | null;
  /** a stop that is final and goes on record */
  readonly failure: Failure | null;
};

/** A step's decision, from what was observed and which earlier steps later ones may rely on. */
export type Step = (observed: Observed, passed: (step: StepType) => boolean) => StepResult;

/** The step is done; `actions` only tidy up. */
export const reached = (reason: string, message: string, actions: readonly Action[] = []): StepResult => ({
  ...{ reason, message, actions, passed: true, stop: null, failure: null },
});

/** The step is under way, or waits for others. */
export const onItsWay = (reason: string | null, message: string, actions: readonly Action[] = []): StepResult => ({
  ...{ reason, message, actions, passed: false, stop: null, failure: null },
});

/** The release cannot go on; what is in its way may go away. */
export const stopped = (reason: string, stop: Stop): StepResult => ({
  ...{ reason, message: stop.message, actions: [], passed: false, stop, failure: null },
});

/** The release ends here: what was made is judged, and not good enough. */
export const failed = (reason: string, failure: Failure): StepResult => ({
  ...stopped(reason, stopOf(failure)),
  failure,
});

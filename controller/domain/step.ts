import type { Action } from "./action.ts";
import type { StepType } from "./conditions.ts";
import type { FaultCode } from "./errors.ts";
import type { Observed } from "./observed.ts";

/** Why a release cannot go on: a fault that only a person, or a new version, takes away. */
export type Stop = { readonly code: FaultCode; readonly message: string; readonly remedy: string };

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
};

/** A step's decision, from what was observed and which earlier steps later ones may rely on. */
export type Step = (observed: Observed, passed: (step: StepType) => boolean) => StepResult;

/** The step is done; `actions` only tidy up. */
export const reached = (reason: string, message: string, actions: readonly Action[] = []): StepResult => ({
  ...{ reason, message, actions, passed: true, stop: null },
});

/** The step is under way, or waits for others. */
export const onItsWay = (reason: string | null, message: string, actions: readonly Action[] = []): StepResult => ({
  ...{ reason, message, actions, passed: false, stop: null },
});

/** The release ends here. */
export const stopped = (reason: string, stop: Stop): StepResult => ({
  ...{ reason, message: stop.message, actions: [], passed: false, stop },
});

import type { ConditionEvent } from "../domain/condition-events.ts";

/** The object that an event is about. */
export type EventSubject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
};

/** Tells people what happened, as well as it can: nothing depends on it, and it never throws. */
export type EventRecorder = {
  readonly record: (about: EventSubject, event: ConditionEvent) => void;
  /** resolves once all of it was sent or given up */
  readonly settled: () => Promise<void>;
};

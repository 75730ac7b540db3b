import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import { oneLine } from "../../domain/format.ts";

/** One step as people see it. Times are seconds of one monotonic clock. */
export type StepRow = {
  readonly step: string;
  readonly status: "running" | "finished" | "failed";
  readonly text: string;
  readonly startedAt: number;
  /** null while it runs */
  readonly wallSeconds: number | null;
  /** user and system time; null where the step accounts for none */
  readonly cpuSeconds: number | null;
  /** size of what the step made */
  readonly bytes: number | null;
  /** null where the step counts nothing */
  readonly count: StepCount | null;
};
export type StepCount = {
  readonly done: number;
  readonly total: number | null;
  readonly unit: "bytes" | "items";
};

/** All steps in the order of their start; a step that runs again gets a row of its own. */
export type ProgressState = readonly StepRow[];

/** A line longer than this helps nobody. */
const MAX_TEXT = 500;
const clean = (text: string): string => oneLine(text.slice(0, 4 * MAX_TEXT)).slice(0, MAX_TEXT);

const newRow = (step: string, now: number): StepRow => ({
  step,
  status: "running",
  text: "",
  startedAt: now,
  wallSeconds: null,
  cpuSeconds: null,
  bytes: null,
  count: null,
});

function countOf(event: Extract<ProgressEvent, { event: "action" }>): StepCount | null {
  if (event.done === undefined) return null;
  return { done: event.done, total: event.total ?? null, unit: event.unit ?? "items" };
}

function applied(row: StepRow, event: ProgressEvent, now: number): StepRow {
  switch (event.event) {
    case "started":
      return { ...row, text: clean(event.text ?? "") };
    case "action":
      return { ...row, text: clean(event.text), count: countOf(event) };
    case "finished": {
      const cpuSeconds = event.userSeconds + event.systemSeconds;
      return {
        ...row,
        status: "finished",
        text: clean(event.text ?? ""),
        startedAt: Math.min(row.startedAt, now - event.wallSeconds),
        wallSeconds: event.wallSeconds,
        cpuSeconds: cpuSeconds > 0 ? cpuSeconds : null,
        bytes: event.bytes ?? null,
        count: null,
      };
    }
    case "failed":
      return {
        ...row,
        status: "failed",
        text: clean(event.text),
        wallSeconds: Math.max(0, now - row.startedAt),
        count: null,
      };
  }
}

/**
 * The state after an event. An event belongs to the latest running row of its step; a step that never said that it
 * started does so with its first event. `now` is in seconds and never goes back.
 */
export function afterEvent(state: ProgressState, event: ProgressEvent, now: number): ProgressState {
  const step = clean(event.step);
  const index =
    event.event === "started" ? -1 : state.findLastIndex((row) => row.step === step && row.status === "running");
  const row = state[index];
  if (row === undefined) return [...state, applied(newRow(step, now), event, now)];
  return state.with(index, applied(row, event, now));
}

/** The steps that run, in the order of their start. */
export const runningRows = (state: ProgressState): StepRow[] => state.filter((row) => row.status === "running");

/** Seconds that a step has taken so far, or took. */
export const elapsedSeconds = (row: StepRow, now: number): number =>
  row.wallSeconds ?? Math.max(0, now - row.startedAt);

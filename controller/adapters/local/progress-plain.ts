import { formatBytes, formatSeconds } from "../../domain/format.ts";
import type { ProgressView } from "../../ports/progress-view.ts";
import { countText } from "./progress-lines.ts";
import { afterEvent, type ProgressState, type StepRow } from "./progress-state.ts";

/** `now` is the time of day for people; `seconds` is monotonic; `every` returns how to stop its timer. */
export type PlainClock = {
  readonly now: () => Date;
  readonly seconds: () => number;
  readonly every: (milliseconds: number, tick: () => void) => () => void;
};

/** Between two lines about the actions of one step: a build of 20 minutes stays readable. */
export const QUIET_SECONDS = 10;
const TICK_MILLISECONDS = 1000;

/** What a running step does: `unpacking libc6, 3 / 7`. */
const actionText = (row: StepRow): string =>
  [row.text, row.count === null ? "" : countText(row.count)].filter((part) => part !== "").join(", ");

/** What a step says of its end: `done in 1 m 05 s, CPU 48.2 s, 73.2 MiB, <text>`. */
function endText(row: StepRow): string {
  const seconds = formatSeconds(row.wallSeconds ?? 0);
  if (row.status === "failed") return `failed after ${seconds}: ${row.text}`;
  return [
    `done in ${seconds}`,
    row.cpuSeconds === null ? "" : `CPU ${formatSeconds(row.cpuSeconds)}`,
    row.bytes === null ? "" : formatBytes(row.bytes),
    row.text,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

const pad = (value: number): string => String(value).padStart(2, "0");

/** `HH:MM:SS step: text`, in the time zone of the process. */
export const plainLine = (now: Date, step: string, text: string): string =>
  `${pad(now.getHours())}:${pad(now.getMinutes())}:${pad(now.getSeconds())} ${step}: ${text}`;

/**
 * Progress as lines for logs. Starts and ends are written at once, actions at most every {@link QUIET_SECONDS} of a
 * step; the last action of a silent spell is written when that time is over.
 */
export function plainProgress(writeLine: (line: string) => void, clock: PlainClock): ProgressView {
  let state: ProgressState = [];
  /** by index of the row in `state`: when it last had a line, and whether an action waits */
  const spoken = new Map<number, { at: number; waiting: boolean }>();
  let stopTimer: (() => void) | undefined;

  const say = (index: number, row: StepRow, text: string) => {
    spoken.set(index, { at: clock.seconds(), waiting: false });
    writeLine(plainLine(clock.now(), row.step, text));
  };
  const sayWaiting = () => {
    for (const [index, { at, waiting }] of spoken) {
      const row = state[index];
      if (row === undefined || !waiting || clock.seconds() - at < QUIET_SECONDS) continue;
      say(index, row, actionText(row));
    }
  };

  return {
    report: (event) => {
      const before = state;
      state = afterEvent(state, event, clock.seconds());
      const index = state.findIndex((row, position) => row !== before[position]);
      const row = state[index];
      if (row === undefined) return;
      if (row.status !== "running") {
        say(index, row, endText(row));
        spoken.delete(index);
        if (spoken.size === 0) {
          stopTimer?.();
          stopTimer = undefined;
        }
        return;
      }
      stopTimer ??= clock.every(TICK_MILLISECONDS, sayWaiting);
      const last = spoken.get(index);
      if (event.event === "started") say(index, row, row.text === "" ? "started" : `started, ${row.text}`);
      else if (last === undefined || clock.seconds() - last.at >= QUIET_SECONDS) say(index, row, actionText(row));
      else spoken.set(index, { at: last.at, waiting: true });
    },
    aside: (write) => write(),
    close: () => {
      stopTimer?.();
      stopTimer = undefined;
      for (const index of spoken.keys()) {
        const row = state[index];
        if (row !== undefined) writeLine(plainLine(clock.now(), row.step, "stopped"));
      }
      spoken.clear();
      state = state.filter((row) => row.status !== "running");
    },
  };
}

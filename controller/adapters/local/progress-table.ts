import type { ProgressView } from "../../ports/progress-view.ts";
import { liveLines, type Screen, stepLine, stoppedLine, summaryLine } from "./progress-lines.ts";
import { afterEvent, type ProgressState, runningRows } from "./progress-state.ts";

/** A terminal of which the last lines can be redrawn. */
export type LiveTerminal = {
  readonly screen: () => Screen;
  /** replaces the live lines */
  readonly draw: (text: string) => void;
  /** takes the live lines away */
  readonly clear: () => void;
  /** takes the live lines away and writes lines that stay */
  readonly persist: (text: string) => void;
  /** gives the cursor back */
  readonly done: () => void;
};

/** Monotonic seconds, and a timer that keeps no process alive; `every` returns how to stop it. */
export type TableClock = {
  readonly seconds: () => number;
  readonly every: (milliseconds: number, tick: () => void) => () => void;
};

const FRAME_MILLISECONDS = 125;

/**
 * A table of steps on a terminal: running steps are redrawn at its end, ended ones stay above, in the order in which
 * they ended, so that nothing is lost when there are more steps than lines.
 */
export function tableProgress(terminal: LiveTerminal, clock: TableClock): ProgressView {
  let state: ProgressState = [];
  let stopTimer: (() => void) | undefined;

  const redraw = () => {
    const lines = liveLines(state, clock.seconds(), terminal.screen());
    if (lines.length === 0) terminal.clear();
    else terminal.draw(lines.join("\n"));
  };
  const rest = () => {
    stopTimer?.();
    stopTimer = undefined;
    terminal.done();
  };
  /** With no step running: says how long it all took, and lets the terminal be until a step begins. */
  const settle = () => {
    if (runningRows(state).length > 0 || stopTimer === undefined) return;
    const summary = summaryLine(state, clock.seconds(), terminal.screen());
    terminal.clear();
    if (summary !== undefined) terminal.persist(summary);
    rest();
  };

  return {
    report: (event) => {
      const now = clock.seconds();
      const before = state;
      state = afterEvent(state, event, now);
      const ended = state.find((row, index) => row.status !== "running" && row !== before[index]);
      if (ended !== undefined) terminal.persist(stepLine(ended, state, now, terminal.screen()));
      if (stopTimer === undefined) stopTimer = clock.every(FRAME_MILLISECONDS, redraw);
      if (ended !== undefined || state.length > before.length) redraw();
    },
    aside: (write) => {
      settle();
      if (stopTimer === undefined) return write();
      terminal.clear();
      write();
      redraw();
    },
    close: () => {
      if (stopTimer === undefined) return;
      const now = clock.seconds();
      const stopped = runningRows(state).map((row) => stoppedLine(row, now, terminal.screen()));
      const summary = summaryLine(state, now, terminal.screen());
      terminal.clear();
      const lines = [...stopped, ...(summary === undefined ? [] : [summary])];
      if (lines.length > 0) terminal.persist(lines.join("\n"));
      state = state.filter((row) => row.status !== "running");
      rest();
    },
  };
}

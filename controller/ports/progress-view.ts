import type { Report } from "../../builders/contract/progress.ts";

/** Shows progress to people, on standard error. */
export type ProgressView = {
  readonly report: Report;
  /** runs `write`, which prints whole lines, with nothing of the view in their way */
  readonly aside: (write: () => void) => void;
  /** takes what is live off the screen and says what remained unfinished; the view may be used again */
  readonly close: () => void;
};

/** Shows nothing: for a standard error that holds only the records of a log. */
export const noProgress: ProgressView = { report: () => undefined, aside: (write) => write(), close: () => undefined };

import type { Clock } from "../ports/clock.ts";

const LONGEST = 2 ** 31 - 1; // what a timer of Node can wait

/** The machine's clocks. */
export const systemClock: Clock = {
  monotonic: () => performance.now(),
  now: () => new Date(),
  after: (milliseconds, call) => {
    const timer = setTimeout(call, Math.min(LONGEST, Math.max(0, milliseconds)));
    return () => clearTimeout(timer);
  },
};

import type { QueueFigures } from "../ports/controller-metrics.ts";
import type { Loop } from "./loop.ts";

/** Two loops that start and stop as one: neither kind of key keeps the other from its turn. */
export const bothLoops = (
  first: Loop,
  second: Loop,
): Pick<Loop, "start" | "stop"> & { figures: () => QueueFigures } => ({
  start: (mayWork) => {
    first.start(mayWork);
    second.start(mayWork);
  },
  stop: async (limit) => (await Promise.all([first.stop(limit), second.stop(limit)])).flat(),
  figures: () => {
    const [a, b] = [first.queue.figures(), second.queue.figures()];
    return {
      ...{ depth: a.depth + b.depth, adds: a.adds + b.adds, retries: a.retries + b.retries },
      longestRunning: Math.max(a.longestRunning, b.longestRunning),
    };
  },
});

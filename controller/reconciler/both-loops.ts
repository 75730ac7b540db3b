import type { Loop } from "./loop.ts";

/** Two loops that start and stop as one: neither kind of key keeps the other from its turn. */
export const bothLoops = (first: Loop, second: Loop): Pick<Loop, "start" | "stop"> => ({
  start: (mayWork) => {
    first.start(mayWork);
    second.start(mayWork);
  },
  stop: async (limit) => (await Promise.all([first.stop(limit), second.stop(limit)])).flat(),
});

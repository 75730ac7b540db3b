import { expect, it } from "vitest";
import { bothLoops } from "./both-loops.ts";
import type { Loop } from "./loop.ts";

const fakeLoop = (name: string, told: string[]): Loop => ({
  queue: {
    add: () => undefined,
    addAfter: () => undefined,
    figures: () => ({ depth: 0, adds: 0, retries: 0, longestRunning: 0 }),
  },
  start: (mayWork) => void told.push(`${name} starts: ${mayWork()}`),
  stop: async (limit) => {
    told.push(`${name} stops: ${limit}`);
    return [name];
  },
});

it("start and stop as one, and tell all that is left", async () => {
  const told: string[] = [];
  const both = bothLoops(fakeLoop("a", told), fakeLoop("b", told));
  both.start(() => true);
  expect(await both.stop(5)).toEqual(["a", "b"]);
  expect(told).toEqual(["a starts: true", "b starts: true", "a stops: 5", "b stops: 5"]);
});

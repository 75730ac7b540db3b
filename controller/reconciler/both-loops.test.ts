import { expect, it } from "vitest";
import { bothLoops } from "./both-loops.ts";
import type { Loop } from "./loop.ts";

const fakeLoop = (name: string, told: string[], longestRunning: number): Loop => ({
  queue: {
    add: () => undefined,
    addAfter: () => undefined,
    figures: () => ({ depth: 1, adds: 2, retries: 3, longestRunning }),
  },
  start: (mayWork) => void told.push(`${name} starts: ${mayWork()}`),
  stop: async (limit) => {
    told.push(`${name} stops: ${limit}`);
    return [name];
  },
});

it("start and stop as one, and tell all that is left", async () => {
  const told: string[] = [];
  const both = bothLoops(fakeLoop("a", told, 4), fakeLoop("b", told, 9));
  both.start(() => true);
  expect(await both.stop(5)).toEqual(["a", "b"]);
  expect(both.figures()).toEqual({ depth: 2, adds: 4, retries: 6, longestRunning: 9 });
  expect(told).toEqual(["a starts: true", "b starts: true", "a stops: 5", "b stops: 5"]);
});

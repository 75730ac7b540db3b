import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ProgressEvent } from "../../builders/contract/progress.ts";
import { scheduleLines, scheduleOf } from "./schedule.ts";

const started = (step: string): ProgressEvent => ({ event: "started", step });
const finished = (step: string): ProgressEvent => ({
  event: "finished",
  step,
  wallSeconds: 1,
  userSeconds: 2,
  systemSeconds: 1,
});

describe("scheduleOf", () => {
  it("orders steps by start, and leaves out what never ended", () => {
    const events = [
      { event: started("a"), at: 100 },
      { event: started("b"), at: 101 },
      { event: finished("b"), at: 103 },
      { event: started("c"), at: 104 },
      { event: finished("a"), at: 110 },
    ];
    expect(scheduleOf(events)).toEqual([
      { step: "a", startedAt: 0, endedAt: 10, cpuSeconds: 3 },
      { step: "b", startedAt: 1, endedAt: 3, cpuSeconds: 3 },
    ]);
  });
});

describe("scheduleLines", () => {
  it("draws each step inside the axis", () => {
    expect(
      scheduleLines(
        [
          { step: "root", startedAt: 0, endedAt: 5, cpuSeconds: 4 },
          { step: "image", startedAt: 5, endedAt: 10, cpuSeconds: 9 },
        ],
        10,
      ),
    ).toEqual([
      "step     start    wall     CPU",
      "root      0.0s    5.0s    4.0s  |#####",
      "image     5.0s    5.0s    9.0s  |     ####",
    ]);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1000), fc.nat(1000))), fc.integer({ min: 2, max: 80 }), (times, width) => {
        const steps = times.map(([start, length]) => ({
          step: "s",
          startedAt: start,
          endedAt: start + length,
          cpuSeconds: 0,
        }));
        for (const line of scheduleLines(steps, width).slice(1)) {
          expect(line.slice(line.indexOf("|") + 1).length).toBeLessThanOrEqual(width);
          expect(line).toContain("#");
        }
      }),
    );
  });
});

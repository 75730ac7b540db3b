import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MEMORY_FOR_TMPFS, PLAIN, Variation, variationOf, variedAspects } from "./variation.ts";

const large = { cpus: 2, memoryAvailableBytes: MEMORY_FOR_TMPFS };
const notVaried = (first: Variation, second: Variation): string[] =>
  variedAspects(first, second)
    .filter(({ values }) => values === null)
    .map(({ aspect }) => aspect);

describe("variationOf", () => {
  it("leaves run 1 plain, and varies all that the machine allows in run 2", () => {
    expect(variationOf(1, large)).toEqual(PLAIN);
    expect(notVaried(PLAIN, variationOf(2, large))).toEqual(["machine"]);
  });
  it("says what a small machine can't vary, and why", () => {
    const second = variationOf(2, { cpus: 1, memoryAvailableBytes: MEMORY_FOR_TMPFS - 1 });
    expect(notVaried(PLAIN, second)).toEqual(["CPUs", "work file system", "machine"]);
    expect(variedAspects(PLAIN, second).find(({ aspect }) => aspect === "CPUs")?.why).toBe("the machine has one CPU");
  });
  it("is always valid, pins only CPUs that are there, and gives no two runs the same clock", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 5 }), fc.integer({ min: 1, max: 64 }), fc.nat(), (run, cpus, memory) => {
        const variation = variationOf(run, { cpus, memoryAvailableBytes: memory });
        expect(Variation.parse(variation)).toEqual(variation);
        if (variation.cpus !== null) expect(Number(variation.cpus)).toBeLessThan(cpus);
        expect(variation.clockOffsetDays).toBe(397 * (run - 1));
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backOffDelay } from "./back-off.ts";

const RETRY = { first: 750, longest: 900_000 };

describe("back-off", () => {
  it("doubles from the first wait to the longest", () => {
    const delays = [1, 2, 3, 10, 11, 12, 1000].map((failures) => backOffDelay(failures, RETRY, 0.5));
    expect(delays).toEqual([750, 1500, 3000, 384_000, 768_000, 900_000, 900_000]);
  });

  it("is never longer than the longest, and never off by more than a quarter", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (failures, random) => {
          const delay = backOffDelay(failures, RETRY, random);
          const plain = Math.min(RETRY.longest, RETRY.first * 2 ** (failures - 1));
          expect(delay).toBeLessThanOrEqual(RETRY.longest);
          expect(delay / plain).toBeGreaterThanOrEqual(0.75);
          expect(delay / plain).toBeLessThanOrEqual(1.25);
        },
      ),
    );
  });

  it("does not bring back together those who failed together", () => {
    expect(backOffDelay(3, RETRY, 0)).not.toBe(backOffDelay(3, RETRY, 1));
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchQueue } from "./batch-queue.ts";

const fulfilled = <T>(value: T) => ({ status: "fulfilled" as const, value });

describe("a queue of batches", () => {
  it("takes one at once, and what waited meanwhile together, at most so many", async () => {
    const batches: (readonly number[])[] = [];
    const add = batchQueue<number, number>(3, async (batch) => {
      batches.push(batch);
      await Promise.resolve();
      return batch.map((item) => fulfilled(item * 10));
    });
    expect(await Promise.all([1, 2, 3, 4, 5, 6].map(add))).toEqual([10, 20, 30, 40, 50, 60]);
    expect(batches).toEqual([[1], [2, 3, 4], [5, 6]]);
    expect(await add(7)).toBe(70);
  });

  it("gives each item its own result, and goes on after a batch that failed whole", async () => {
    const add = batchQueue<number, number>(2, async (batch) => {
      if (batch.includes(1)) throw new Error("whole");
      return batch.map((item) =>
        item === 2 ? { status: "rejected" as const, reason: new Error("own") } : fulfilled(item),
      );
    });
    const results = await Promise.allSettled([0, 1, 3, 2, 4].map(add));
    expect(results).toEqual([
      fulfilled(0),
      { status: "rejected", reason: new Error("whole") },
      { status: "rejected", reason: new Error("whole") },
      { status: "rejected", reason: new Error("own") },
      fulfilled(4),
    ]);
  });

  it("works on every item once, in order, never on two batches at a time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3)), fc.integer({ min: 1, max: 4 }), async (pauses, limit) => {
        const worked: number[] = [];
        let busy = 0;
        const add = batchQueue<number, number>(limit, async (batch) => {
          busy += 1;
          expect(busy).toBe(1);
          expect(batch.length).toBeLessThanOrEqual(limit);
          worked.push(...batch);
          await Promise.resolve();
          busy -= 1;
          return batch.map(fulfilled);
        });
        const results: Promise<number>[] = [];
        for (const [index, pause] of pauses.entries()) {
          for (let turn = 0; turn < pause; turn += 1) await Promise.resolve();
          results.push(add(index));
        }
        expect(await Promise.all(results)).toEqual(pauses.map((_, index) => index));
        expect(worked).toEqual(pauses.map((_, index) => index));
      }),
    );
  });
});

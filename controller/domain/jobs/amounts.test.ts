import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { amountOf, mebibytes } from "./amounts.ts";

describe("amountOf", () => {
  it("reads what Kubernetes writes", () => {
    expect(["500m", "2", "1.5", "10k", "10M", "3G", "1T", "2Ki", "2Mi", "4Gi", "1Ti"].map(amountOf)).toEqual([
      ...[0.5, 2, 1.5, 10_000, 10_000_000, 3_000_000_000, 1e12],
      ...[2048, 2 ** 21, 2 ** 32, 2 ** 40],
    ]);
  });
  it("refuses what is none", () => {
    for (const text of ["", "Gi", "1e3", "-1", "1 Gi", "1gi"]) expect(() => amountOf(text)).toThrow(RangeError);
  });
  it("reads back what mebibytes wrote, never less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (bytes) => {
        const read = amountOf(mebibytes(bytes));
        expect(read).toBeGreaterThanOrEqual(bytes);
        expect(read - bytes).toBeLessThan(2 ** 20);
      }),
    );
  });
});

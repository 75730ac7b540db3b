import { describe, expect, it } from "vitest";
import { evidenceLeft } from "./evidence.ts";

const NOW = new Date("2026-11-26T12:00:00Z");
const ready = (lastTransitionTime: string) => ({
  conditions: [
    {
      ...({ type: "Ready", status: "False", reason: "NotReproducible", message: "" } as const),
      ...{ lastTransitionTime, observedGeneration: 1 },
    },
  ],
});

describe("evidence of a release that failed", () => {
  it("is kept from the moment at which it failed", () => {
    expect(evidenceLeft(ready("2026-11-26T11:59:30Z"), 60_000, NOW)).toBe(30_000);
  });
  it("is kept no longer than that", () => {
    expect(evidenceLeft(ready("2026-11-26T11:00:00Z"), 60_000, NOW)).toBeLessThan(0);
  });
  it("is kept whole where no status says when", () => {
    expect(evidenceLeft({}, 60_000, NOW)).toBe(60_000);
  });
});

import { describe, expect, it } from "vitest";
import type { Decision } from "./decide.ts";
import { queuedRelease, tellQueue } from "./queued-runs.ts";

const admitted = { type: "Admitted", reason: "Accepted", message: "fine" } as const;
const building: Decision = {
  conditions: [admitted, { type: "Built", reason: "Running", message: "0 of 2 runs are finished" }],
  actions: [
    { kind: "build", arch: "amd64", run: 1 },
    { kind: "build", arch: "amd64", run: 2 },
    { kind: "archive-inputs" },
  ],
  outcome: { kind: "working" },
};
const [one, two] = ["build amd64 run 1", "build amd64 run 2"];
const built = (decision: Decision) => decision.conditions.find(({ type }) => type === "Built");

describe("what waits for its turn", () => {
  it("tells the first place if all runs wait", () => {
    const queued = new Map([
      [one, { place: 4, of: 12 }],
      [two, { place: 3, of: 12 }],
    ]);
    expect(built(tellQueue(building, queued))).toEqual({ type: "Built", reason: "Queued", message: "Queued 3 of 12" });
    expect(tellQueue(building, queued).actions).toBe(building.actions);
  });
  it("is not told if a run is at work, or nothing is to be built", () => {
    expect(tellQueue(building, new Map([[two, { place: 1, of: 1 }]]))).toBe(building);
    const later: Decision = { ...building, actions: [] };
    expect(tellQueue(later, new Map([[two, { place: 1, of: 1 }]]))).toBe(later);
  });
  it("may be a whole release", () => {
    expect(queuedRelease(admitted, { place: 2, of: 5 })).toEqual({
      conditions: [admitted, { type: "Built", reason: "Queued", message: "Queued 2 of 5" }],
      ...{ actions: [], outcome: { kind: "working" } },
    });
  });
});

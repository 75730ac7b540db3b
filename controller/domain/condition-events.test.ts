import { describe, expect, it } from "vitest";
import { conditionEvents } from "./condition-events.ts";
import { type ConditionUpdate, setCondition } from "./conditions.ts";

const NOW = new Date("2026-11-23T04:00:00Z");
const LATER = new Date("2026-11-23T05:00:00Z");
const update = (type: string, reason: string, message: string) =>
  ({ type, reason, message, observedGeneration: 1 }) as ConditionUpdate;

describe("events of conditions", () => {
  const queued = setCondition([], update("Built", "Queued", "3 of 12"), NOW);

  it("tell each new condition and each transition, with the step's message", () => {
    expect(conditionEvents([], queued)).toEqual([
      { type: "Normal", reason: "Queued", action: "Built", note: "3 of 12" },
    ]);
    const failed = setCondition(queued, update("Built", "BuildFailed", "run 1: dracut failed"), LATER);
    expect(conditionEvents(queued, failed)).toEqual([
      { type: "Warning", reason: "BuildFailed", action: "Built", note: "run 1: dracut failed" },
    ]);
  });

  it("tell nothing when only the message changes", () => {
    expect(conditionEvents(queued, setCondition(queued, update("Built", "Queued", "2 of 12"), LATER))).toEqual([]);
    expect(conditionEvents(queued, queued)).toEqual([]);
  });

  it("tell a failure once, by its step", () => {
    let after = setCondition(queued, update("Built", "OOMKilled", "run 1 had 8Gi"), LATER);
    after = setCondition(after, update("Stalled", "OOMKilled", "run 1 had 8Gi"), LATER);
    after = setCondition(after, update("Ready", "OOMKilled", "run 1 had 8Gi"), LATER);
    expect(conditionEvents(queued, after).map(({ action }) => action)).toEqual(["Built"]);
  });

  it("tell a summary in words that do not change", () => {
    const retrying = setCondition([], update("Ready", "ProgressingWithRetry", "503, retry 3 at 04:02:11Z"), NOW);
    expect(conditionEvents([], retrying)).toEqual([
      {
        ...{ type: "Warning", reason: "ProgressingWithRetry", action: "Ready" },
        note: "A step failed in a way that passes, and is tried again.",
      },
    ]);
    const done = setCondition(retrying, update("Ready", "Succeeded", "released"), LATER);
    expect(conditionEvents(retrying, done)).toMatchObject([{ type: "Normal", reason: "Succeeded" }]);
  });

  it("do not warn of what nobody asked for", () => {
    const notified = setCondition([], update("Notified", "NotConfigured", "no platform"), NOW);
    expect(conditionEvents([], notified)).toMatchObject([{ type: "Normal", reason: "NotConfigured" }]);
  });
});

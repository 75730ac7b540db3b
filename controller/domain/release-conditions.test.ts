import { describe, expect, it } from "vitest";
import type { Condition } from "./conditions.ts";
import type { Decision } from "./decide.ts";
import { recordedConditions, withDecision } from "./release-conditions.ts";

const now = new Date("2026-11-25T00:00:00Z");
const later = new Date("2026-11-26T00:00:00Z");
const working: Decision = {
  conditions: [
    { type: "Admitted", reason: "Accepted", message: "fine" },
    { type: "Built", reason: "Running", message: "0 of 2" },
  ],
  actions: [],
  outcome: { kind: "working" },
};
const shown = (conditions: readonly Condition[]) =>
  conditions.map(({ type, status, reason }) => `${type}=${status} ${reason}`);

describe("the conditions of a release", () => {
  it("say that it is under way", () => {
    expect(new Set(shown(withDecision([], working, now)))).toEqual(
      new Set([
        "Ready=False Progressing",
        "Reconciling=True Progressing",
        "Admitted=True Accepted",
        "Built=Unknown Running",
      ]),
    );
  });
  it("of a record are final: it is recorded, ready, and no longer under way", () => {
    const recorded = recordedConditions(withDecision([], working, now), later);
    expect(shown(recorded)).toEqual(
      expect.arrayContaining(["Ready=True Succeeded", "Recorded=True Pushed", "Admitted=True Accepted"]),
    );
    expect(recorded.map(({ type }) => type)).not.toContain("Reconciling");
  });
  it("name the step that stopped it, and take nothing back", () => {
    const stopped: Decision = {
      conditions: [...working.conditions, { type: "Reproducible", reason: "NotReproducible", message: "they differ" }],
      actions: [],
      outcome: { kind: "stopped", code: "NotReproducible", message: "they differ", remedy: "read" },
    };
    const waiting = { type: "Signed", reason: "Signing", message: "waits" } as const;
    const before = withDecision([], { ...working, conditions: [...working.conditions, waiting] }, now);
    const conditions = withDecision(before, stopped, later);
    expect(conditions.map(({ type }) => type)).not.toContain("Signed");
    expect(shown(conditions)).toEqual(
      expect.arrayContaining(["Ready=False NotReproducible", "Stalled=True NotReproducible", "Admitted=True Accepted"]),
    );
    const recorded = recordedConditions(conditions, later);
    expect(shown(recorded)).toEqual([...shown(conditions), "Recorded=True Pushed"]);
    expect(conditions.map(({ type }) => type)).not.toContain("Reconciling");
    expect(conditions.find(({ type }) => type === "Admitted")?.lastTransitionTime).toBe("2026-11-25T00:00:00Z");
  });
  it("take no reason that a step does not have", () => {
    const wrong = { ...working, conditions: [{ type: "Built", reason: "Booted", message: "" } as const] };
    expect(() => withDecision([], wrong, now)).toThrow(RangeError);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Action } from "./action.ts";
import { type Condition, setCondition, STEPS, statusOf, type StepType } from "./conditions.ts";
import { type FaultCode, ReleaseError } from "./errors.ts";
import { reasonOf, stepOf, withFault } from "./fault-conditions.ts";

const NOW = new Date("2026-11-26T00:00:00Z");
const LATER = new Date("2026-11-26T00:00:02Z");
const STEP_TYPES = Object.keys(STEPS) as StepType[];
const CODES = [
  "RegistryUnavailable",
  "Unauthorized",
  "TagConflict",
  "BuildFailed",
  "PushDeclined",
  "Internal",
] as const;
const faultOf = (step: StepType, code: FaultCode) => {
  const { kind, message } = new ReleaseError(code, "it failed", "mend it");
  return { step, code, kind, message };
};
const shown = (conditions: readonly Condition[]) =>
  conditions.map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`);

describe("the conditions after a fault", () => {
  it("that passes say when it is tried again, and judge no step", () => {
    const before = withFault([], faultOf("Published", "TagConflict"), null, 1, NOW);
    const after = withFault(before, faultOf("Recorded", "PushConflict"), LATER, 3, NOW);
    const says = "it failed; tried again at 2026-11-26T00:00:02Z";
    expect(shown(after)).toEqual([
      `Ready=False ProgressingWithRetry: ${says}`,
      `Reconciling=True ProgressingWithRetry: ${says}`,
      "Published=False TagConflict: it failed",
    ]);
    expect(after.map(({ observedGeneration }) => observedGeneration)).toEqual([3, 3, 1]);
  });
  it("that stays name the step, and are stalled", () => {
    const before = withFault([], faultOf("Published", "RegistryUnavailable"), LATER, 1, NOW);
    expect(shown(withFault(before, faultOf("Published", "Unauthorized"), null, 1, NOW))).toEqual([
      "Ready=False Unauthorized: it failed",
      "Stalled=True Unauthorized: it failed",
      "Published=False Unauthorized: it failed",
    ]);
  });
  it("take back no step that was reached", () => {
    const update = { type: "Built", reason: "Succeeded", message: "4 runs", observedGeneration: 1 } as const;
    const after = withFault(setCondition([], update, NOW), faultOf("Built", "BuildFailed"), null, 1, LATER);
    expect(shown(after)).toContain("Built=True Succeeded: 4 runs");
  });
  it("have a reason that the step knows as a failure, whatever the code is", () => {
    fc.assert(
      fc.property(fc.constantFrom(...STEP_TYPES), fc.constantFrom(...CODES), (step, code) => {
        expect(statusOf(step, reasonOf(step, code))).toBe("False");
      }),
    );
  });
});

describe("the step of an action", () => {
  const target = { arch: "amd64", variant: "raw" } as const;
  it.each<[StepType, Action]>([
    ["Locked", { kind: "archive-inputs" }],
    ["Built", { kind: "build", arch: "amd64", run: 1 }],
    ["Reproducible", { kind: "compare", arch: "amd64" }],
    ["Reproducible", { kind: "discard", arch: "amd64", run: 2 }],
    ["Verified", { kind: "boot", arch: "amd64", boot: { variant: "raw", firmware: "uefi", bus: "nvme" } }],
    ["Signed", { kind: "stage", target }],
    ["Signed", { kind: "sign", target, document: "image" }],
    ["Published", { kind: "publish", target }],
    ["Published", { kind: "tag", target }],
    ["Recorded", { kind: "record" }],
  ])("is %s", (step, action) => expect(stepOf(action)).toBe(step));
});

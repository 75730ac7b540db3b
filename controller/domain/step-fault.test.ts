import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuildError } from "../../builders/contract/build-failure.ts";
import type { Action } from "./action.ts";
import { STEPS, statusOf, type StepType } from "./conditions.ts";
import { ReleaseError } from "./errors.ts";
import { failureOf, reasonOf, stepOf } from "./step-fault.ts";

const STEP_TYPES = Object.keys(STEPS) as StepType[];
const CODES = [
  "RegistryUnavailable",
  "Unauthorized",
  "TagConflict",
  "BuildFailed",
  "PushDeclined",
  "Internal",
] as const;
const TARGET = { arch: "amd64", variant: "raw" } as const;

describe("a fault", () => {
  it("that passes is told without a remedy, and stays its target's", () => {
    const fault = new ReleaseError("RegistryUnavailable", "503 from the registry", "wait");
    expect(failureOf({ kind: "publish", target: TARGET }, fault)).toEqual({
      ...{ step: "Published", class: "Transient", reason: "RegistryUnavailable" },
      ...{ message: "503 from the registry", target: "amd64/raw" },
    });
  });
  it("that stays says what to do", () => {
    const fault = new ReleaseError("PushDeclined", "refused", "let us push");
    expect(failureOf({ kind: "record", failure: null }, fault)).toEqual({
      ...{ step: "Recorded", class: "Permanent", reason: "PushDeclined", message: "refused (let us push)" },
    });
  });
  it("of a run says in one line what the cluster said, and has the end of the log", () => {
    const build: Action = { kind: "build", arch: "amd64", run: 1 };
    const account = {
      code: "StepFailed",
      step: "root",
      message: "killed",
      remedy: "-",
      logTail: "line 1\nline 2",
    } as const;
    for (const code of ["OOMKilled", "DeadlineExceeded", "Evicted", "ImagePullFailed"] as const) {
      const fault = new ReleaseError(code, `dir-x:\n${"w".repeat(2000)}`, "raise it", {
        cause: new BuildError(account),
      });
      const failure = failureOf(build, fault);
      expect(failure).toMatchObject({ step: "Built", reason: code, logTail: account.logTail });
      expect(failure.message).toMatch(/^dir-x: w+$/);
      expect(failure.message).toHaveLength(1024);
    }
    expect(failureOf(build, new ReleaseError("OOMKilled", "x", "raise it", { final: true })).class).toBe("Permanent");
  });
  it("has a reason that the step knows as a failure, whatever the code is", () => {
    fc.assert(
      fc.property(fc.constantFrom(...STEP_TYPES), fc.constantFrom(...CODES), (step, code) => {
        expect(statusOf(step, reasonOf(step, code))).toBe("False");
      }),
    );
  });
});

describe("the step of an action", () => {
  it.each<[StepType, Action]>([
    ["Locked", { kind: "archive-inputs" }],
    ["Built", { kind: "build", arch: "amd64", run: 1 }],
    ["Reproducible", { kind: "compare", arch: "amd64" }],
    ["Reproducible", { kind: "discard", arch: "amd64", run: 2 }],
    ["Verified", { kind: "boot", arch: "amd64", boot: { variant: "raw", firmware: "uefi", bus: "nvme" } }],
    ["Signed", { kind: "stage", target: TARGET }],
    ["Signed", { kind: "sign", target: TARGET, document: "image" }],
    ["Published", { kind: "publish", target: TARGET }],
    ["Published", { kind: "tag", target: TARGET }],
    ["Recorded", { kind: "record", failure: null }],
  ])("is %s", (step, action) => expect(stepOf(action)).toBe(step));
});

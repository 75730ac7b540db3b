import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CheckResult, verificationVerdict } from "./verification.ts";

const check = fc.record({
  name: fc.string(),
  result: fc.constantFrom("PASS", "FAIL", "SKIP"),
  why: fc.string(),
  required: fc.boolean(),
}) as fc.Arbitrary<CheckResult>;

describe("the verdict", () => {
  it("is never better than the worst check, whoever asserts it", () => {
    fc.assert(
      fc.property(fc.array(check), fc.boolean(), (checks, selfAsserted) => {
        const verdict = verificationVerdict(checks, selfAsserted);
        if (checks.some(({ result }) => result === "FAIL")) expect(verdict).toBe("failed");
        else if (verdict === "verified") {
          expect(selfAsserted).toBe(false);
          expect(checks.length).toBeGreaterThan(0);
          expect(checks.filter(({ result, required }) => required && result !== "PASS")).toEqual([]);
        }
      }),
    );
  });
  it("says self-asserted before incomplete, and that nothing was checked", () => {
    const skipped: CheckResult = { name: "artifacts", result: "SKIP", why: "", required: true };
    expect(verificationVerdict([skipped], true)).toBe("self-asserted");
    expect(verificationVerdict([skipped], false)).toBe("incomplete");
    expect(verificationVerdict([{ ...skipped, required: false }], false)).toBe("verified");
    expect(verificationVerdict([], false)).toBe("failed");
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BUILD_FAILURE_CODES, type BuildFailure } from "./build-failure.ts";
import { failureMessage, readFailure, TERMINATION_MESSAGE_BYTES, TerminationMessage } from "./termination-message.ts";

const parse = (text: string) => TerminationMessage.parse(JSON.parse(text));
const failure: BuildFailure = {
  ...{ code: "StepFailed", step: "root", message: "mmdebstrap failed with code 25", remedy: "read the log" },
  logTail: "E: no space",
};

describe("a termination message", () => {
  it("tells of a failure in full where it fits, but for its log", () => {
    const { logTail: _, ...told } = failure;
    expect(parse(failureMessage(failure))).toEqual({ schemaVersion: 1, failure: told });
  });
  it("is read back, and anything else is no failure", () => {
    const { logTail: _, ...told } = failure;
    expect(readFailure(failureMessage(failure))).toEqual(told);
    for (const text of ["", "last words", "{}", "null", JSON.stringify({ schemaVersion: 1 })]) {
      expect(readFailure(text)).toBeNull();
    }
  });
  it("always fits and can always be read", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3000 }),
      fc.integer({ min: 0, max: 9000 }).map((length) => "\u0000".repeat(length)),
    );
    const failures = fc.record({
      ...{ code: fc.constantFrom(...BUILD_FAILURE_CODES), step: text, message: text, remedy: text },
      logTail: fc.constant(""),
    });
    fc.assert(
      fc.property(failures, (one) => {
        const said = failureMessage(one);
        expect(Buffer.byteLength(said)).toBeLessThanOrEqual(TERMINATION_MESSAGE_BYTES);
        expect(parse(said)).toMatchObject({ failure: { code: one.code } });
      }),
      { numRuns: 40 },
    );
  });
});

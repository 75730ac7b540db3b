import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRequest, requestVariables } from "./pod.ts";

describe("requestVariables", () => {
  it("is read back, whatever its length", () => {
    fc.assert(
      fc.property(fc.record({ text: fc.string({ unit: "binary", minLength: 1 }), times: fc.nat(100) }), (request) => {
        const long = { ...request, text: `${"x".repeat(99_950)}${request.text.repeat(request.times)}` };
        const env = requestVariables(long);
        expect(readRequest(env)).toEqual(long);
        for (const value of Object.values(env)) expect(Buffer.byteLength(value)).toBeLessThanOrEqual(100_000);
      }),
    );
  });
  it("is undefined where there is none", () => {
    expect(readRequest({ PATH: "/bin" })).toBeUndefined();
  });
});

import { describe, expect, it } from "vitest";
import { ReleaseError } from "../domain/errors.ts";
import { nextAfter, nextAfterFault } from "./outcome.ts";

describe("what happens to a key", () => {
  it("after it was looked at", () => {
    expect(nextAfter({ kind: "done" })).toEqual({ kind: "forget", result: "success" });
    expect(nextAfter({ kind: "again", after: 5000 })).toEqual({ kind: "again", result: "requeue", after: 5000 });
  });

  it.each([
    ["transient", "RegistryUnavailable", "retry"],
    ["resource", "DiskFull", "retry"],
    ["permanent", "TagConflict", "forget"],
    ["verdict", "NotReproducible", "forget"],
  ] as const)("after a fault that is %s", (kind, code, next) => {
    const fault = new ReleaseError(code, "what", "remedy");
    expect(fault.kind).toBe(kind);
    expect(nextAfterFault(fault).kind).toBe(next);
  });

  it.each(["OOMKilled", "DeadlineExceeded", "DiskFull", "Evicted", "BuildFailed", "RegistryUnavailable"] as const)(
    "after %s when every attempt was made: nobody tries again",
    (code) => {
      const fault = new ReleaseError(code, "what", "remedy", { final: true });
      expect([fault.kind, nextAfterFault(fault)]).toEqual(["permanent", { kind: "forget", result: "stalled" }]);
      expect(new ReleaseError("NotReproducible", "what", "remedy", { final: true }).kind).toBe("verdict");
    },
  );

  it("after a fault of the other side that asks us to wait, and after a bug", () => {
    const fault = new ReleaseError("ClusterUnavailable", "429", "wait", { retryAfter: 9000 });
    expect(nextAfterFault(fault)).toEqual({ kind: "retry", result: "retry", atLeast: 9000 });
    expect(nextAfterFault(new TypeError("x"))).toEqual({ kind: "retry", result: "retry", atLeast: 0 });
  });
});

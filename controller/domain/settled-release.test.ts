import { describe, expect, it } from "vitest";
import { clusterRelease } from "../../test/fakes/cluster-objects.ts";
import { JOBS_FINALIZER } from "./cluster-objects.ts";
import { isSettled, keptRelease } from "./settled-release.ts";

const condition = (type: string, status: string, reason: string) => ({
  ...{ type, status, reason, message: "", lastTransitionTime: "2026-11-26T00:00:00Z" },
  observedGeneration: 1,
});
const READY = {
  ...{ phase: "Released", attempt: 1, lastHandledRetryAt: "1", summary: { targets: "1/1", builds: "2/2" } },
  conditions: [condition("Admitted", "True", "Accepted"), condition("Ready", "True", "Succeeded")],
};
const VERDICT = {
  ...{ phase: "Failed", conditions: [condition("Ready", "False", "NotReproducible")] },
  failure: { step: "Reproducible", class: "Verdict", reason: "NotReproducible", message: "they differ" },
};
const annotations = (retryAt: string) => ({ annotations: { "releases.powernode.io/retryAt": retryAt } });

describe("a release that is settled", () => {
  const ready = clusterRelease({ metadata: annotations("1"), status: READY });
  it("is released, or has a verdict, and nobody asks for more", () => {
    expect(isSettled(ready)).toBe(true);
    expect(isSettled(clusterRelease({ status: VERDICT }))).toBe(true);
    expect(isSettled(clusterRelease({ metadata: annotations("2"), status: READY }))).toBe(false);
    expect(
      isSettled(clusterRelease({ status: { ...VERDICT, failure: { ...VERDICT.failure, class: "Permanent" } } })),
    ).toBe(false);
    expect(isSettled(clusterRelease())).toBe(false);
  });
  it("is kept as far as it says so, what it is, and where it comes from", () => {
    const kept = keptRelease(ready);
    const { spec, status, ...others } = ready;
    expect(kept).toMatchObject(others);
    expect(kept.spec).toEqual({ ...spec, targets: [] });
    expect(kept.status).toEqual({
      ...{ phase: "Released", lastHandledRetryAt: "1", conditions: [status.conditions?.[1]] },
    });
    expect([isSettled(kept), keptRelease(kept)]).toEqual([true, kept]);
    expect(keptRelease(clusterRelease({ status: VERDICT })).status.failure).toEqual(VERDICT.failure);
  });
  it("is kept whole as long as it may have Jobs, or somebody asks", () => {
    const held = clusterRelease({ metadata: { ...annotations("1"), finalizers: [JOBS_FINALIZER] }, status: READY });
    expect(keptRelease(held)).toBe(held);
    const asked = clusterRelease({ metadata: annotations("2"), status: READY });
    expect(keptRelease(asked)).toBe(asked);
  });
});

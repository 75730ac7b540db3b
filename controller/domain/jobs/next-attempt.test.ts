import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReleaseError } from "../errors.ts";
import { amountOf } from "./amounts.ts";
import type { AttemptFailure, FailureCause } from "./job-outcome.ts";
import type { ObservedJob } from "./kubernetes-objects.ts";
import { type AttemptPolicy, backOff, failedAttempt, limitsAfter, nextAttempt } from "./next-attempt.ts";
import { LABEL } from "./object-labels.ts";

const NAME = "dir-0123456789-amd64-b1";
const HOUR = 3_600_000;
const policy: AttemptPolicy = {
  resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { memory: "4Gi", "ephemeral-storage": "20Gi" } },
  maxResources: { memory: "8Gi", "ephemeral-storage": "100Gi" },
  ...{ deadlineSeconds: 7200, retryBudgetSeconds: 86_400 },
};
const after = (causes: readonly FailureCause[], over: Partial<AttemptPolicy> = {}, now = HOUR) =>
  nextAttempt(
    NAME,
    causes.map((cause, index) => ({
      attempt: index + 1,
      startedAt: index,
      counts: true,
      failure: {
        state: "failed",
        cause,
        pod: `${NAME}-x`,
        node: "n1",
        container: "build",
        exitCode: 1,
        message: "why",
        own: null,
      },
    })),
    { ...policy, ...over },
    now,
  );
const fault = (code: string) => expect.objectContaining({ code }) as ReleaseError;

describe("nextAttempt", () => {
  it("gives half as much memory more after OOMKilled, twice, up to the cap", () => {
    expect(after(["OOMKilled"])).toEqual({
      attempt: 2,
      waitMs: 0,
      deadlineSeconds: 7200,
      resources: {
        requests: { cpu: "1", memory: "3072Mi" },
        limits: { memory: "6144Mi", "ephemeral-storage": "20Gi" },
      },
    });
    expect(after(["OOMKilled", "OOMKilled"]).resources).toMatchObject({
      requests: { memory: "4608Mi" },
      limits: { memory: "8Gi" },
    });
    expect(() => after(["OOMKilled", "OOMKilled", "OOMKilled"])).toThrow(fault("OOMKilled"));
  });
  it("gives half as much time or disk space more", () => {
    expect(after(["DeadlineExceeded"]).deadlineSeconds).toBe(10_800);
    expect(after(["DeadlineExceeded", "DeadlineExceeded"]).deadlineSeconds).toBe(16_200);
    expect(after(["StorageExceeded"]).resources.limits).toEqual({ memory: "4Gi", "ephemeral-storage": "30720Mi" });
    expect(() => after(["DeadlineExceeded", "DeadlineExceeded", "DeadlineExceeded"])).toThrow(
      fault("DeadlineExceeded"),
    );
    expect(() => after(["StorageExceeded", "OOMKilled", "StorageExceeded"])).toThrow(fault("DiskFull"));
  });
  it("stops where the class's cap is reached, or no limit can be raised", () => {
    const capped = { maxResources: { memory: "4Gi" } };
    expect(() => after(["OOMKilled"], capped)).toThrow(fault("OOMKilled"));
    expect(() => after(["OOMKilled"], { maxResources: { memory: "1Gi" } })).toThrow(fault("OOMKilled"));
    expect(() => after(["OOMKilled"], { resources: {} })).toThrow(fault("OOMKilled"));
    expect(after(["OOMKilled"], { maxResources: {} }).resources.limits?.memory).toBe("6144Mi");
  });
  it("repeats what was taken away with growing pauses, does not count it, and stops after the budget", () => {
    expect([1, 2, 3, 30].map((nth) => backOff(nth))).toEqual([750, 1500, 3000, 900_000]);
    const lost: FailureCause[] = ["Disrupted", "Disrupted", "Disrupted"];
    expect(after(lost)).toMatchObject({ attempt: 4, waitMs: 3000, resources: policy.resources });
    expect(after(["OOMKilled", ...lost, "OOMKilled"])).toMatchObject({ attempt: 6, waitMs: 0 });
    expect(after(["OOMKilled", "Disrupted"])).toMatchObject({
      waitMs: 750,
      resources: { limits: { memory: "6144Mi" } },
    });
    expect(after(["Disrupted", "Unavailable", "Unavailable"])).toMatchObject({ attempt: 4, waitMs: 3000 });
    expect(() => after(lost, {}, 24 * HOUR)).toThrow(fault("Evicted"));
    expect(() => after(["Unavailable"], {}, 24 * HOUR)).toThrow(fault("RegistryUnavailable"));
    expect(after(lost, {}, 24 * HOUR - 1).attempt).toBe(4);
  });
  it("repeats a failure of the work twice, with the same resources", () => {
    expect(after(["Failed", "Failed"])).toEqual({
      attempt: 3,
      waitMs: 0,
      resources: policy.resources,
      deadlineSeconds: 7200,
    });
    expect(() => after(["Failed", "Failed", "Failed"])).toThrow(fault("BuildFailed"));
  });
  it("does not repeat what no repetition changes", () => {
    expect(() => after(["Refused"])).toThrow(fault("Usage"));
    expect(() => after(["InputMissing"])).toThrow(fault("InputMissing"));
    expect(() => after(["ImagePullFailed"])).toThrow(fault("ImagePullFailed"));
  });
  it("ends in a fault that nobody tries again by himself, unless the cluster itself goes on trying", () => {
    const lasting = { message: expect.anything() as string, kind: "permanent" };
    const over = (causes: FailureCause[]) => () => after(causes, {}, 24 * HOUR);
    for (const cause of ["Disrupted", "Unavailable", "Refused", "InputMissing"] as const) {
      expect(over([cause])).toThrow(expect.objectContaining(lasting) as ReleaseError);
    }
    for (const cause of ["OOMKilled", "DeadlineExceeded", "StorageExceeded", "Failed"] as const) {
      expect(over([cause, cause, cause])).toThrow(expect.objectContaining(lasting) as ReleaseError);
    }
    expect(over(["ImagePullFailed"])).toThrow(expect.objectContaining({ kind: "transient" }) as ReleaseError);
  });
  it("says where it failed, and what to do", () => {
    const message = `${NAME}: it needs more memory than it may have (pod ${NAME}-x, node n1, container build, exit code 1): why`;
    expect(() => after(["OOMKilled", "OOMKilled", "OOMKilled"])).toThrow(
      expect.objectContaining({ message, remedy: expect.stringContaining("maxResources.memory") }) as ReleaseError,
    );
  });
  it("counts on from the highest number that is known", () => {
    const failure = {
      state: "failed",
      cause: "Disrupted",
      pod: null,
      node: null,
      container: null,
      exitCode: null,
      message: "",
      own: null,
    } as const;
    expect(nextAttempt(NAME, [{ attempt: 7, startedAt: 0, counts: true, failure }], policy, 1).attempt).toBe(8);
    expect(() => nextAttempt(NAME, [], policy, 1)).toThrow(RangeError);
  });
  it("forgets what failed before a person asked for another try, but for the numbers", () => {
    const words = { pod: null, node: null, container: null, exitCode: null, message: "", own: null };
    const failed = (attempt: number, counts: boolean, cause: FailureCause = "OOMKilled") => ({
      ...{ attempt, startedAt: 0, counts, failure: { state: "failed" as const, cause, ...words } },
    });
    const before = [1, 2, 3].map((attempt) => failed(attempt, false));
    const plain = { waitMs: 0, ...limitsAfter([], policy) };
    expect(nextAttempt(NAME, before, policy, 25 * HOUR)).toEqual({ ...plain, attempt: 4 });
    expect(nextAttempt(NAME, [failed(1, false, "Refused")], policy, 1)).toEqual({ ...plain, attempt: 2 });
    expect(nextAttempt(NAME, [...before, failed(4, true)], policy, 1)).toMatchObject({
      ...{ attempt: 5, resources: { limits: { memory: "6144Mi" } } },
    });
    const again = [4, 5, 6].map((attempt) => failed(attempt, true));
    expect(() => nextAttempt(NAME, [...before, ...again], policy, 1)).toThrow(fault("OOMKilled"));
  });
});

const causes = fc.array(
  fc.constantFrom<FailureCause>(
    "Disrupted",
    "Unavailable",
    "OOMKilled",
    "DeadlineExceeded",
    "StorageExceeded",
    "Failed",
  ),
  { minLength: 1, maxLength: 8 },
);

describe("attempts, whatever happens", () => {
  it("end: the work's own failures get two further attempts at most, each with no less and never more than the cap", () => {
    fc.assert(
      fc.property(causes, (list) => {
        let next;
        try {
          next = after(list);
        } catch (error) {
          expect(error).toMatchObject({ name: "ReleaseError" });
          return;
        }
        expect(list.filter((cause) => cause !== "Disrupted" && cause !== "Unavailable").length).toBeLessThanOrEqual(2);
        const before = limitsAfter(list.slice(0, -1), policy);
        for (const name of ["memory", "ephemeral-storage"] as const) {
          const [now, then] = [next, before].map(({ resources }) => amountOf(resources.limits?.[name] ?? "0"));
          expect(now).toBeGreaterThanOrEqual(then ?? 0);
          expect(now).toBeLessThanOrEqual(amountOf(policy.maxResources[name] ?? "0"));
          const request = next.resources.requests?.[name];
          if (request !== undefined) expect(amountOf(request)).toBeLessThanOrEqual(now ?? 0);
        }
        expect(next.deadlineSeconds).toBeGreaterThanOrEqual(before.deadlineSeconds);
        expect(next.attempt).toBe(list.length + 1);
      }),
    );
  });
});

describe("a Job that failed, as an attempt", () => {
  const failure: AttemptFailure = {
    ...{ state: "failed", cause: "Disrupted", pod: null, node: null, container: null, exitCode: null },
    ...{ message: "", own: null },
  };
  const job = (over: Partial<ObservedJob> = {}): ObservedJob => ({
    metadata: {
      name: "j",
      namespace: "n",
      labels: { [LABEL.round]: "r" },
      uid: "u",
      creationTimestamp: "2026-11-01T00:00:00Z",
    },
    ...over,
  });
  it("began with its last start, if it was suspended", () => {
    const resumed = "2026-11-26T00:00:00Z";
    expect(failedAttempt(1, job(), failure, "r").startedAt).toBe(Date.parse("2026-11-01T00:00:00Z"));
    expect(failedAttempt(1, job({ status: { startTime: resumed } }), failure, "r").startedAt).toBe(Date.parse(resumed));
  });
  it("counts in its own round, and not if it failed while it was suspended", () => {
    expect(failedAttempt(1, job(), failure, "r").counts).toBe(true);
    expect(failedAttempt(1, job(), failure, "other").counts).toBe(false);
    expect(failedAttempt(1, job({ spec: { suspend: true } }), failure, "r").counts).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { clusterRelease } from "../../../test/fakes/cluster-objects.ts";
import { COMMIT, DIGEST, world } from "../../../test/contracts/release-world.ts";
import { ReleaseError } from "../../domain/errors.ts";

describe("a release that may have Jobs", () => {
  const held = (over: object = {}) => ({
    finalizers: ["releases.powernode.io/jobs"],
    ...over,
  });
  const deleted = (ago: number) =>
    clusterRelease({
      metadata: held({ deletionTimestamp: new Date(Date.parse("2026-11-26T00:00:00Z") - ago).toISOString() }),
    });

  it("is cleaned up after once it is recorded", async () => {
    const { look, swept } = world();
    await look();
    expect(swept).toEqual(["local"]);
  });
  it("is cleaned up after if the process that recorded it did not come to it", async () => {
    const record = { kind: "recorded", specDigest: DIGEST, version: "1", commit: COMMIT } as const;
    const { look, swept, opened } = world({ record, release: clusterRelease({ metadata: held() }) });
    await look();
    expect([swept, opened()]).toEqual([["local"], 0]);
  });
  it("is left alone once it is recorded and has none", async () => {
    const record = { kind: "recorded", specDigest: DIGEST, version: "1", commit: COMMIT } as const;
    const { look, swept } = world({ record });
    await look();
    expect(swept).toEqual([]);
  });
  it("keeps them as evidence after it failed, for as long as its class says", async () => {
    const failure = { step: "Reproducible", class: "Verdict", reason: "NotReproducible", message: "differs" } as const;
    const record = { kind: "failed", specDigest: DIGEST, version: "1", commit: COMMIT, failure } as const;
    const ready = (lastTransitionTime: string) => ({
      conditions: [
        {
          ...{ type: "Ready", status: "False", reason: "NotReproducible", message: "differs" },
          ...{ lastTransitionTime, observedGeneration: 1 },
        },
      ],
    });
    const at = (time: string) => world({ record, release: clusterRelease({ metadata: held(), status: ready(time) }) });
    const fresh = at("2026-11-25T00:00:00Z");
    expect(await fresh.look()).toEqual({ kind: "again", after: 6 * 86_400_000 });
    expect(fresh.swept).toEqual([]);
    const old = at("2026-11-18T00:00:00Z");
    expect(await old.look()).toEqual({ kind: "done" });
    expect(old.swept).toEqual(["local"]);
  });
  it("stays as it ended while they cannot be removed, and that is tried again", async () => {
    const cleanUp = async () => {
      throw new ReleaseError("Unauthorized", "no right to delete", "ask for it");
    };
    const { look, swept, shown, events } = world({ cleanUp });
    expect(await look()).toEqual({ kind: "again", after: 60_000 });
    expect(shown()).toEqual(expect.arrayContaining(["Ready=True Succeeded", "Recorded=True Pushed"]));
    expect(shown().join()).not.toMatch("Stalled");
    expect([swept, events.at(-1)]).toEqual([["local"], "CleanUp CleanUpFailed"]);
  });
  it("loses them when it is deleted", async () => {
    const { look, swept, opened } = world({ release: deleted(0) });
    expect(await look()).toEqual({ kind: "done" });
    expect([swept, opened()]).toEqual([["local"], 0]);
  });
  it("is deleted without a class too", async () => {
    const { look, swept } = world({ release: deleted(0), class: null });
    await look();
    expect(swept).toEqual(["no class"]);
  });
  it("is held while they cannot be removed, for five minutes", async () => {
    const cleanUp = async () => {
      throw new ReleaseError("RegistryUnavailable", "no answer", "wait");
    };
    const young = world({ release: deleted(4 * 60_000), cleanUp });
    expect(await young.look()).toEqual({ kind: "again", after: 10_000 });
    expect([young.swept, young.events]).toEqual([["local"], []]);
    const old = world({ release: deleted(6 * 60_000), cleanUp });
    expect(await old.look()).toEqual({ kind: "done" });
    expect([old.swept, old.events]).toEqual([["local", "let go"], ["Deleted FinalizerTimeout"]]);
  });
  it("is not touched when it is deleted and has none", async () => {
    const { look, swept } = world({
      release: clusterRelease({ metadata: { deletionTimestamp: "2026-11-25T00:00:00Z" } }),
    });
    expect(await look()).toEqual({ kind: "done" });
    expect(swept).toEqual([]);
  });
});

describe("a release that is suspended", () => {
  const finalizers = ["releases.powernode.io/jobs"];
  const told = {
    ...{ type: "Ready", status: "False", reason: "Suspended", message: "held", observedGeneration: 1 },
    lastTransitionTime: "2026-11-26T00:00:00Z",
  };
  const held = (status: object = {}, metadata: object = { finalizers }) =>
    clusterRelease({ metadata, status, spec: { suspend: true } });

  it("has its Jobs suspended, and is looked at once more: one may have been on its way", async () => {
    const { look, shown, suspensions, opened, swept } = world({ release: held(), suspend: async () => 2 });
    expect(await look()).toEqual({ kind: "again", after: 10_000 });
    expect([shown(), suspensions(), opened(), swept]).toEqual([["Ready=False Suspended"], 1, 0, []]);
  });
  it("is left alone once that is told and no Job is at work, also by the process that comes next", async () => {
    const conditions = [told];
    const idle = world({ release: held({ conditions }) });
    expect(await idle.look()).toEqual({ kind: "done" });
    expect(idle.suspensions()).toBe(1);
    const late = world({ release: held({ conditions }), suspend: async () => 1 });
    expect(await late.look()).toEqual({ kind: "again", after: 10_000 });
  });
  it("before any Job costs no request", async () => {
    const { look, shown, suspensions } = world({ release: held({}, {}), suspend: async () => 1 });
    expect(await look()).toEqual({ kind: "again", after: 10_000 }); // it may be held by then
    expect([shown(), suspensions()]).toEqual([["Ready=False Suspended"], 0]);
    const again = world({ release: held({ conditions: [told] }, {}) });
    expect(await again.look()).toEqual({ kind: "done" });
    expect(again.suspensions()).toBe(0);
  });
  it.each([
    ["ClusterUnavailable", "transient"],
    ["Unauthorized", null],
  ] as const)("is not said to be while its Jobs go on, and is tried again: %s", async (code, kind) => {
    const { look, shown, statuses } = world({
      release: held(),
      suspend: async () => {
        throw new ReleaseError(code, "patch jobs: no", "see why");
      },
    });
    if (kind === null) expect(await look()).toEqual({ kind: "again", after: 60_000 });
    else await expect(look()).rejects.toMatchObject({ kind });
    expect(shown()).toEqual(["Ready=False ProgressingWithRetry", "Reconciling=True ProgressingWithRetry"]);
    const message = statuses.at(-1)?.conditions?.find(({ type }) => type === "Ready")?.message;
    expect(message).toBe("its Jobs go on, since they could not be suspended: patch jobs: no (see why)");
  });
  it("is not touched by one who leads no more", async () => {
    const made = world({
      release: held(),
      suspend: async () => {
        made.depose();
        throw new ReleaseError("ClusterUnavailable", "no answer", "wait");
      },
    });
    await expect(made.look()).rejects.toThrow("no answer");
    expect(made.statuses).toEqual([]);
  });
  it("is said to be by nobody who leads no more, before its Jobs are suspended and after", async () => {
    const before = world({ release: held(), suspend: async () => 1 });
    before.depose();
    expect(await before.look()).toEqual({ kind: "done" });
    expect([before.statuses, before.suspensions()]).toEqual([[], 0]);
    const after = world({
      release: held(),
      suspend: async () => {
        after.depose();
        return 1;
      },
    });
    expect(await after.look()).toEqual({ kind: "done" });
    expect([after.statuses, after.suspensions()]).toEqual([[], 1]);
  });
  it("after its end stays as it ended", async () => {
    const ready = { ...told, status: "True", reason: "Succeeded", message: "done" };
    const { look, statuses, suspensions } = world({ release: held({ conditions: [ready] }) });
    expect(await look()).toEqual({ kind: "done" });
    expect([statuses, suspensions()]).toEqual([[], 0]);
  });
  it("goes on where it stood once it is suspended no more", async () => {
    const release = clusterRelease({ metadata: { finalizers }, status: { conditions: [told], attempt: 1 } });
    const { look, shown, statuses } = world({ release });
    await look();
    expect([shown(), statuses.at(-1)?.attempt]).toEqual([expect.arrayContaining(["Ready=True Succeeded"]), 1]);
  });
});

import { describe, expect, it } from "vitest";
import { clusterClass, clusterRelease, clusterSource, demoFolder } from "../../../test/fakes/cluster-objects.ts";
import { COMMIT, DIGEST, forever, world, type World } from "../../../test/contracts/release-world.ts";
import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { jobProgress } from "../../domain/jobs/job-progress.ts";

describe("a release", () => {
  it("is done to its end, and its status says so", async () => {
    const { look, shown, statuses, events } = world();
    expect(await look()).toEqual({ kind: "done" });
    expect(shown()).toEqual(
      expect.arrayContaining(["Ready=True Succeeded", "Admitted=True Accepted", "Recorded=True Pushed"]),
    );
    expect(shown().join()).not.toMatch("Reconciling");
    expect(statuses.at(-1)).toMatchObject({
      phase: "Released",
      summary: { targets: "1/1", builds: "2/2" },
      attempt: 1,
    });
    expect(events).toEqual(expect.arrayContaining(["Admitted Accepted", "Built Succeeded", "Ready Succeeded"]));
    expect(new Set(events).size).toBe(events.length);
  });
  it("that is released, deleted or gone is not looked at", async () => {
    const ready = { type: "Ready", status: "True", reason: "Succeeded", message: "done", observedGeneration: 1 };
    const status = { conditions: [{ ...ready, lastTransitionTime: "2026-11-26T00:00:00Z" }] };
    for (const release of [
      clusterRelease({ status }),
      clusterRelease({ metadata: { deletionTimestamp: "2026-11-26T00:00:00Z" } }),
    ]) {
      const { look, statuses, opened } = world({ release });
      await look();
      expect([statuses, opened()]).toEqual([[], 0]);
    }
    const asked = { annotations: { "releases.powernode.io/reconcileAt": "now" } };
    const again = world({ release: clusterRelease({ status, metadata: asked }) });
    await again.look();
    expect(again.statuses.at(-1)?.lastHandledReconcileAt).toBe("now");
  });
  it("is held where it stands as long as it is suspended", async () => {
    const { look, shown, opened } = world({ release: clusterRelease({ spec: { suspend: true } }) });
    await look();
    expect([shown(), opened()]).toEqual([["Ready=False Suspended"], 0]);
  });
});

describe("adoption", () => {
  it("makes a recorded release ready, and does nothing else", async () => {
    const { look, shown, statuses, opened } = world({
      record: { kind: "recorded", specDigest: DIGEST, version: "1", commit: COMMIT },
    });
    await look();
    expect(shown()).toEqual(["Ready=True Succeeded", "Admitted=True Adopted", "Recorded=True Pushed"]);
    expect([statuses.length, opened()]).toEqual([1, 0]);
    expect(statuses[0]).toMatchObject({ phase: "Released", summary: { targets: "1/1", builds: "2/2" } });
  });
  it("of a record that does not verify is refused", async () => {
    const { look, shown, opened } = world({ record: { kind: "invalid", message: "who signed this?" } });
    await look();
    expect(shown()).toEqual([
      "Ready=False RecordInvalid",
      "Stalled=True RecordInvalid",
      "Admitted=False RecordInvalid",
    ]);
    expect(opened()).toBe(0);
  });
});

describe("nothing is built", () => {
  it.each<[string, World]>([
    ["NotFromGit", { release: clusterRelease({ metadata: { labels: {} } }) }],
    ["NotFromGit", { release: clusterRelease({ spec: { source: null } }) }],
    ["NotFromGit", { source: null }],
    ["NotFromGit", { text: null }],
    ["NotFromGit", { text: demoFolder().text.replace("1795392000", "1795392001") }],
    ["ClassNotFound", { class: null }],
    ["ClassNotAllowed", { source: clusterSource("releases", { allowedClasses: ["stable"] }) }],
    ["ClassNotAllowed", { class: clusterClass("local", { build: {} }) }],
    ["ClassNotAllowed", { class: clusterClass("local", { publish: undefined }) }],
  ])("%s", async (reason, given) => {
    const { look, shown, opened, statuses } = world(given);
    expect(await look()).toEqual({ kind: "done" });
    expect(shown()).toEqual([`Ready=False ${reason}`, `Stalled=True ${reason}`, `Admitted=False ${reason}`]);
    expect([opened(), statuses.at(-1)?.phase]).toEqual([0, "Failed"]);
  });
});

describe("a fault", () => {
  const failing = (code: "RegistryUnavailable" | "Unauthorized") => async (action: Action) => {
    if (action.kind === "publish") throw new ReleaseError(code, "the registry said no", "mend it");
  };
  it("that passes is told, and thrown for another try", async () => {
    const { look, shown, statuses } = world({ perform: failing("RegistryUnavailable") });
    await expect(look()).rejects.toMatchObject({ kind: "transient" });
    expect(shown()).toEqual(
      expect.arrayContaining(["Ready=False ProgressingWithRetry", "Reconciling=True ProgressingWithRetry"]),
    );
    expect(statuses.at(-1)?.failure).toEqual({
      ...{ step: "Published", class: "Transient", reason: "RegistryUnavailable", target: "amd64/kernel-initrd" },
      message: "the registry said no",
    });
  });
  it("that stays stalls the release, and takes no step back", async () => {
    const { look, shown } = world({ perform: failing("Unauthorized") });
    expect(await look()).toEqual({ kind: "again", after: 300_000 }); // Secrets are not watched
    expect(shown()).toEqual(
      expect.arrayContaining(["Ready=False Unauthorized", "Stalled=True Unauthorized", "Built=True Succeeded"]),
    );
  });
  it("of a Job that has no attempt left stalls the release", async () => {
    const { look, shown, statuses } = world({
      perform: async ({ kind }) => {
        if (kind === "build") throw new ReleaseError("OOMKilled", "too little", "raise it", { final: true });
      },
    });
    await expect(look()).rejects.toMatchObject({ kind: "permanent" });
    expect(shown()).toEqual(
      expect.arrayContaining(["Ready=False OOMKilled", "Stalled=True OOMKilled", "Built=False OOMKilled"]),
    );
    expect(shown().join()).not.toMatch("Reconciling");
    expect(statuses.at(-1)).toMatchObject({
      phase: "Failed",
      failure: { step: "Built", class: "Permanent", message: "too little (raise it)" },
    });
  });
  it("is followed by another attempt when somebody asks for one, which is counted once", async () => {
    const annotations = { "releases.powernode.io/retryAt": "again" };
    const retried = world({ release: clusterRelease({ metadata: { annotations }, status: { attempt: 2 } }) });
    await retried.look();
    expect(retried.statuses.at(-1)).toMatchObject({ attempt: 3, lastHandledRetryAt: "again" });
    expect(retried.statuses.every(({ attempt }) => attempt === 3)).toBe(true);
    const status = { attempt: 3, lastHandledRetryAt: "again" };
    const known = world({ release: clusterRelease({ metadata: { annotations }, status }) });
    await known.look();
    expect(known.statuses.at(-1)?.attempt).toBe(3);
    const fresh = world({ release: clusterRelease({ metadata: { annotations } }) });
    await fresh.look();
    expect(fresh.statuses.at(-1)?.attempt).toBe(1);
  });
  it("goes away with the next look that passes", async () => {
    let times = 0;
    const { look, shown, statuses } = world({
      perform: async (action) => {
        if (action.kind === "publish" && times++ === 0) return failing("RegistryUnavailable")(action);
      },
    });
    await expect(look()).rejects.toThrow("the registry said no");
    await look();
    expect(shown()).toContain("Ready=True Succeeded");
    expect(statuses.at(-1)).not.toHaveProperty("failure");
  });
  it("of the controller's own end changes no status", async () => {
    const stop = new AbortController();
    const { look, statuses } = world({
      perform: async (action) => {
        if (action.kind === "compare") stop.abort(new Error("stopped"));
        stop.signal.throwIfAborted();
      },
    });
    await expect(look(stop.signal)).rejects.toThrow("stopped");
    expect(statuses.some(({ failure }) => failure !== undefined)).toBe(false);
  });
});

describe("a Job of a release", () => {
  it("is shown as it stands, and what it waits for", async () => {
    const made = world({
      perform: async (action) => {
        if (action.kind !== "build") return;
        const ref = { step: "build", arch: "amd64", run: action.run } as const;
        made.tellJob(jobProgress(ref, 1, `dir-b${action.run}`, { state: "pending", message: "no node has room" }));
        await new Promise(setImmediate);
        made.tellJob(jobProgress(ref, 1, `dir-b${action.run}`, { state: "running", pod: "p", node: "n1" }));
      },
    });
    await made.look();
    const messages = made.statuses.flatMap(({ conditions }) => conditions?.find(({ type }) => type === "Built") ?? []);
    expect(messages).toContainEqual(
      expect.objectContaining({ message: "0 of 2 runs are finished; amd64 run 1 build waits: no node has room" }),
    );
    const run = { arch: "amd64", attempt: 1, node: "n1", state: "Running" };
    expect(made.statuses.at(-1)?.builds).toEqual([
      { ...run, run: 1, job: "dir-b1" },
      { ...run, run: 2, job: "dir-b2" },
    ]);
  });
});

describe("a release among many", () => {
  it("waits for its turn, and says where it stands", async () => {
    const { look, shown, statuses, turns, reads } = world();
    const end = await turns.releases.take("0", forever, () => undefined);
    const looking = look();
    await expect.poll(() => statuses.length).toBe(1);
    expect(shown()).toEqual(expect.arrayContaining(["Admitted=True Accepted", "Built=Unknown Queued"]));
    expect(statuses[0]?.conditions?.find(({ type }) => type === "Built")?.message).toBe("Queued 1 of 1");
    expect(reads()).toBe(0); // a thousand may wait, and what they hold is long
    end();
    await looking;
    expect(reads()).toBe(1);
    expect(shown()).toContain("Ready=True Succeeded");
    await expect(turns.releases.take("1", forever, () => undefined)).resolves.toBeTypeOf("function"); // it was given back
  });
  it("gives its turn back when it fails", async () => {
    const { look, turns } = world({
      perform: async () => {
        throw new ReleaseError("RegistryUnavailable", "away", "wait");
      },
    });
    await expect(look()).rejects.toThrow("away");
    await expect(turns.releases.take("1", forever, () => undefined)).resolves.toBeTypeOf("function");
  });
  it("has no more effects once another process leads", async () => {
    const made = world({
      perform: async ({ kind }) => {
        if (kind === "compare") made.depose();
      },
    });
    await expect(made.look()).rejects.toMatchObject({ code: "LeaseLost" });
    expect(made.run.started.join()).not.toMatch(/sign|publish|tag|record/);
    expect(made.statuses.some(({ failure }) => failure !== undefined)).toBe(false); // another one's status stays
  });
});

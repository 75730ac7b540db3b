import { describe, expect, it } from "vitest";
import { fakeReleaseWork } from "../../../test/fakes/release-work.ts";
import { createVirtualTime } from "../../../test/fakes/virtual-time.ts";
import type { Action } from "../../domain/action.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { reconcile } from "../reconcile.ts";
import { measuredWork, type Measures } from "./measured-work.ts";

const SPEC = `sha256:${"1".repeat(64)}`;
const forever = new AbortController().signal;

/** A release whose actions take a second each, and what was counted of it. */
function measured(perform: (action: Action) => Promise<void> = async () => undefined, done = new Set<string>()) {
  const counted: [name: string, labels: unknown, seconds?: number][] = [];
  const tell = (name: string) => (labels: unknown, seconds?: number) =>
    void counted.push(seconds === undefined ? [name, labels] : [name, labels, seconds]);
  const metrics: Measures["metrics"] = {
    ...{ stepEnded: tell("ended"), stepFailed: tell("failed"), buildAttempted: tell("build") },
    ...{ compared: tell("compared"), signed: tell("signed"), published: tell("published") },
  };
  const time = createVirtualTime();
  const { work } = fakeReleaseWork(SPEC, perform, done);
  return { work: measuredWork(work, { metrics, clock: time.clock(), signing: "key" }), counted, time };
}

describe("the work on a release", () => {
  it("is counted once per action: steps with their time, runs, verdicts, signatures, publications", async () => {
    const { work, counted } = measured();
    expect((await reconcile(work, forever)).outcome.kind).toBe("recorded");
    const of = (name: string) => counted.filter(([kind]) => kind === name).map(([, labels]) => labels);
    expect(of("build")).toEqual([1, 2].map(() => ({ variant: "", arch: "amd64", result: "success" })));
    expect(of("compared")).toEqual([{ result: "Reproduced", variant: "", arch: "amd64" }]);
    expect(of("signed")).toEqual([1, 2, 3, 4].map(() => ({ mode: "key", result: "success" })));
    expect(of("published")).toEqual([{ backend: "oci", result: "success" }]);
    expect(of("failed")).toEqual([]);
    const ended = of("ended");
    expect(ended).toContainEqual({ step: "Built", variant: "", arch: "amd64" });
    expect(ended).toContainEqual({ step: "Verified", variant: "kernel-initrd", arch: "amd64" });
    expect(ended).toContainEqual({ step: "Published", variant: "kernel-initrd", arch: "amd64" });
    expect(ended).toContainEqual({ step: "Recorded", variant: "", arch: "" });
  });
  it("has its time taken, by the clock that only goes forward", async () => {
    const { work, counted, time } = measured(() => new Promise((resolve) => time.after(70_000, resolve)));
    const acting = work.act({ kind: "build", arch: "amd64", run: 1 }, forever);
    await time.pass(70_000);
    await acting;
    expect(counted[0]).toEqual(["ended", { step: "Built", variant: "", arch: "amd64" }, 70]);
  });
  it("tells runs that differ as such", async () => {
    const done = new Set(["differ"]);
    const { work, counted } = measured(undefined, done);
    await work.act({ kind: "compare", arch: "amd64" }, forever);
    for (let looks = 0; looks < 2; looks += 1) await work.observe(new Set());
    expect(counted.slice(1)).toEqual([["compared", { result: "NotReproducible", variant: "", arch: "amd64" }]]);
  });
  it("tells what failed, by step, class and reason, unless it was told to stop", async () => {
    const oom = new ReleaseError("OOMKilled", "out of memory", "");
    const { work, counted } = measured(() => Promise.reject(oom));
    const build = { kind: "build", arch: "amd64", run: 1 } as const;
    await expect(work.act(build, forever)).rejects.toBe(oom);
    await expect(work.act(build, AbortSignal.abort())).rejects.toBe(oom);
    expect(counted).toEqual([
      ["failed", { step: "Built", class: "Resource", reason: "OOMKilled" }],
      ["build", { variant: "", arch: "amd64", result: "failure" }],
    ]);
    const bug = measured(() => Promise.reject(new RangeError("a bug")));
    await expect(bug.work.act({ kind: "record", failure: null }, forever)).rejects.toThrow("a bug");
    expect(bug.counted).toEqual([["failed", { step: "Recorded", class: "Permanent", reason: "Internal" }]]);
  });
});

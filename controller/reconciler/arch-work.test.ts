import { describe, expect, it } from "vitest";
import { fakeJobRunner } from "../../test/fakes/job-runner.ts";
import { bootPlan } from "../domain/boot-plan.ts";
import type { ComparisonReport } from "../domain/comparison-report.ts";
import type { ArchPlan } from "../domain/plan.ts";
import type { ArchState, ArchStateStore } from "../ports/arch-state.ts";
import type { BootArtifact } from "../ports/boot-artifact.ts";
import type { JobRunner } from "../ports/job-runner.ts";
import { archWork } from "./arch-work.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const signal = new AbortController().signal;

const plan: ArchPlan = {
  request: {
    ...{ schemaVersion: 1, release: "demo", version: "1", arch: "amd64", variants: ["kernel-initrd"] },
    ...{ kernelPackage: "linux-image-6.12.48+deb13-amd64", sourceDateEpoch: 0, gitSha: "0".repeat(40) },
    ...{ baseImageDigest: null, aptSnapshot: "20261101T000000Z" },
    lock: {
      ...{ schemaVersion: 1, kind: "release", arch: "amd64", requested: ["a"], suites: [], toolchain: DIGEST },
      packages: [],
    },
  },
  toolchain: {
    ...{ schemaVersion: 1, kind: "toolchain", arch: "amd64", requested: ["a"], suites: [] },
    toolchain: null,
    packages: [],
  },
  runs: 2,
  folder: "/work/demo/amd64",
};

const artifact: BootArtifact = {
  ...{ folder: "/artifact", variant: "kernel-initrd", arch: "amd64", rootDigest: DIGEST, backing: "embedded:/r" },
  medium: { kind: "kernel", kernel: "k", initramfs: "i", commandLine: "c" },
};

/** A store that keeps what is written, as a file would: only for the same work and manifest. */
function memoryState() {
  const held: { state?: ArchState; writes: number } = { writes: 0 };
  const store: ArchStateStore = {
    read: async (of) =>
      held.state?.key === of.key && held.state.manifest === of.manifest
        ? held.state
        : { ...of, reproduced: null, boots: {} },
    write: async (state) => {
      held.state = state;
      held.writes += 1;
    },
  };
  return { store, held };
}

function given(verdict: ComparisonReport["verdict"] = "Reproduced", runner = fakeJobRunner(), state = memoryState()) {
  const compared: number[][] = [];
  const work = archWork(
    {
      runner: runner.runner,
      state: state.store,
      openBootArtifact: async () => artifact,
      comparator: {
        compare: async (job) => {
          compared.push(job.runs.map(({ run }) => run));
          return {
            ...{ schemaVersion: 1, release: "demo", version: "1", arch: "amd64", runs: [1, 2], verdict },
            artifacts: [
              { path: "amd64/build-manifest.json", sha256: "a".repeat(64), sizeBytes: 1, fsverityDigest: DIGEST },
            ],
            ...{ faults: verdict === "ManifestMismatch" ? [{ run: 1, path: "x", message: "y" }] : [], differences: [] },
          };
        },
      },
    },
    plan,
  );
  return { work, runner, state, compared };
}

const [boot] = bootPlan(["kernel-initrd"], "amd64");
if (boot === undefined) throw new Error("a kernel-initrd is booted");

describe("work on an arch", () => {
  it("observes nothing at first, then what it built, compared and booted", async () => {
    const { work, state, compared } = given();
    expect(await work.observe(signal)).toMatchObject({ finished: new Set(), verdict: null, boots: new Map() });
    expect(() => work.first()).toThrow(RangeError);
    expect(() => work.proven()).toThrow(RangeError);
    await Promise.all([work.build(2, signal), work.build(1, signal)]);
    expect((await work.observe(signal)).finished).toEqual(new Set([2, 1]));
    await work.boot(boot, signal);
    await work.compare(signal);
    expect(compared).toEqual([[1, 2]]);
    expect(await work.observe(signal)).toMatchObject({
      verdict: "Reproduced",
      boots: new Map([["kernel-initrd", { passed: true, reason: "booted" }]]),
    });
    expect(work.difference()).toBeNull();
    expect(state.held.state?.reproduced?.runs.map(({ run }) => run)).toEqual([1, 2]);
    await work.discard(2, signal);
    expect((await work.observe(signal)).finished).toEqual(new Set([1]));
  });

  it("goes on where an earlier process ended, without asking twice", async () => {
    const runner = fakeJobRunner();
    const state = memoryState();
    const before = given("Reproduced", runner, state);
    await before.work.build(1, signal);
    await before.work.build(2, signal);
    await before.work.compare(signal);
    await before.work.boot(boot, signal);
    runner.calls.length = 0;
    const { work } = given("Reproduced", runner, state);
    for (let time = 0; time < 3; time += 1) {
      expect(await work.observe(signal)).toMatchObject({ finished: new Set([1, 2]), verdict: "Reproduced" });
    }
    expect(work.boots().get("kernel-initrd")?.result.passed).toBe(true);
    expect(runner.calls).toEqual(["finished 1"]); // the other one's bytes are needed no more
    await work.discard(2, signal); // whatever a process that was killed in it left of them
    expect((await work.observe(signal)).finished).toEqual(new Set([1]));
  });

  it("asks again what could not be asked once", async () => {
    const runner = fakeJobRunner();
    let faults = 1;
    const finished: JobRunner["finished"] = async (job, stop) => {
      if (faults-- > 0) throw new Error("registry away");
      return runner.runner.finished(job, stop);
    };
    const { work } = given("Reproduced", { ...runner, runner: { ...runner.runner, finished } });
    await expect(work.observe(signal)).rejects.toThrow("registry away");
    expect((await work.observe(signal)).finished).toEqual(new Set());
  });

  it("believes no proof about a run that is gone", async () => {
    const runner = fakeJobRunner();
    const state = memoryState();
    const before = given("Reproduced", runner, state);
    for (const run of [1, 2]) await before.work.build(run, signal);
    await before.work.compare(signal);
    runner.kept.clear();
    expect(await given("Reproduced", runner, state).work.observe(signal)).toMatchObject({
      finished: new Set(),
      verdict: null,
    });
  });

  it("proves nothing by a boot that failed, and shows it", async () => {
    const { work, state } = given("Reproduced", fakeJobRunner({ bootPasses: () => false }));
    await work.build(1, signal);
    await work.boot(boot, signal);
    expect((await work.observe(signal)).boots.get("kernel-initrd")).toEqual({ passed: false, reason: "no agent" });
    expect(state.held.writes).toBe(0);
    expect(work.boots().get("kernel-initrd")?.result.passed).toBe(false);
  });

  it.each([
    ["NotReproducible", "runs 1 and 2 differ"],
    ["ManifestMismatch", "the manifest of run 1 is not true of its files: x y"],
  ] as const)("observes %s, keeps its report and proves nothing", async (verdict, fault) => {
    const { work, state } = given(verdict);
    for (const run of [1, 2]) await work.build(run, signal);
    expect(work.difference()).toBeNull();
    await work.compare(signal);
    expect(await work.observe(signal)).toMatchObject({ verdict, fault });
    expect(work.difference()).toMatchObject({ verdict });
    expect(work.isReproduced()).toBe(false);
    expect(state.held.writes).toBe(0);
  });

  it("loses no proof when boots and comparison end together", async () => {
    const { work, state } = given();
    for (const run of [1, 2]) await work.build(run, signal);
    await Promise.all([work.compare(signal), work.boot(boot, signal)]);
    expect(state.held.state?.reproduced).not.toBeNull();
    expect(Object.keys(state.held.state?.boots ?? {})).toEqual(["kernel-initrd"]);
  });
});

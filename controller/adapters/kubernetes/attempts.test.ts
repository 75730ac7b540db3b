import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { failureMessage } from "../../../builders/contract/termination-message.ts";
import type { PodEnd } from "../../../test/fakes/cluster-jobs.ts";
import {
  attemptOf,
  demoBuildJob,
  fakeClusterRelease,
  type Programs,
  said,
} from "../../../test/fakes/cluster-release.ts";
import { writeDemoRun } from "../../../test/fakes/staged-run.ts";
import type { JobSettings } from "../../domain/jobs/job-settings.ts";
import { clusterJobRunner } from "./job-runner.ts";

const { signal } = new AbortController();
let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "attempts-"));
  made = await writeDemoRun(join(folder, "volume"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A release in a cluster, and processes that start one after the other. */
function given(programs: Programs = {}, over: Partial<JobSettings> = {}) {
  const release = fakeClusterRelease(folder, made, programs, over);
  return { ...release, start: (work?: string) => clusterJobRunner(release.options(work)) };
}

describe("a Job that fails", () => {
  it("is repeated by the cluster when it is evicted, in the same attempt", async () => {
    const { start, names } = given({
      build1: (_, nth) =>
        nth < 3 ? { kind: "disrupted" } : said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
    });
    await start().build(demoBuildJob(), signal);
    expect(names("-b1-")).toHaveLength(1);
  });
  it("is repeated when its pod is gone before it was read, and does not count", async () => {
    const { start, names } = given({
      build1: (manifest) =>
        Number(attemptOf(manifest)) < 4
          ? { kind: "lost" }
          : said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
    });
    await start().build(demoBuildJob(), signal);
    expect(names("-b1-").map((name) => name.at(-1))).toEqual(["1", "2", "3", "4"]);
  });
  it("gets more memory, twice, and is then reported with pod, step and log", async () => {
    const memory: (string | undefined)[] = [];
    const failure = {
      ...{ code: "StepFailed", step: "root-image", message: "mkfs.erofs was killed", remedy: "read", logTail: "" },
    };
    const { start, names } = given({
      build1: (manifest) => {
        memory.push(manifest.spec.template.spec.containers[0].resources.limits?.memory);
        return { kind: "exit", code: 137, reason: "OOMKilled", log: `progress\n${JSON.stringify({ failure })}` };
      },
    });
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({
      code: "OOMKilled",
      message: expect.stringMatching(
        /^dir-\w{10}-amd64-b1: it needs more memory .*\(pod .*, node n\d, container build, exit code 137\).*\nstep root-image: mkfs\.erofs was killed$/s,
      ) as string,
      cause: { failure: { ...failure, logTail: expect.stringContaining("progress") as string } },
    });
    expect(memory).toEqual(["4Gi", "6144Mi", "8Gi"]);
    expect(names("-b1-")).toHaveLength(3);
    // and is not tried again because the loop asks again
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "OOMKilled", kind: "permanent" });
    expect(names("-b1-")).toHaveLength(3);
  });
  it("succeeds with what a later attempt was given, and its record says so", async () => {
    const { start } = given(
      {
        build2: (manifest) =>
          attemptOf(manifest) === "1"
            ? { kind: "exit", code: 1, reason: "OOMKilled" }
            : said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
      },
      { resources: { limits: { memory: "4Gi" } } },
    );
    const { record } = await start().build(demoBuildJob(2), signal);
    expect(record.variation.workFileSystem).toBe("memory"); // 6 GiB are room for a run in memory
  });
  it("is tried anew when a person asks for it, or gives it more", async () => {
    const memory: (string | undefined)[] = [];
    const end: Programs = {
      build1: (manifest) => {
        memory.push(manifest.spec.template.spec.containers[0].resources.limits?.memory);
        return { kind: "exit", code: 1, reason: "OOMKilled" };
      },
    };
    const release = fakeClusterRelease(folder, made, end);
    const options = release.options();
    const fails = (over: object) =>
      expect(clusterJobRunner({ ...options, ...over }).build(demoBuildJob(), signal)).rejects.toThrow("more memory");
    await fails({});
    await fails({ retryAt: "now" });
    await fails({ retryAt: "now" }); // was heeded
    await fails({ retryAt: "now", settings: { ...options.settings, resources: { limits: { memory: "8Gi" } } } });
    const round = ["4Gi", "6144Mi", "8Gi"];
    expect(memory).toEqual([...round, ...round, "8Gi"]);
    expect(release.names("-b1-").map((name) => name.at(-1))).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
  });
  it("is told at each change: what it waits for, its node, its end", async () => {
    const release = fakeClusterRelease(folder, made, { build1: () => ({ kind: "exit", code: 4 }) });
    await expect(clusterJobRunner(release.options()).build(demoBuildJob(), signal)).rejects.toThrow("missing");
    const build = release.told.filter(({ ref }) => ref.step === "build");
    expect(build.map(({ state }) => state)).toEqual(["Pending", "Running", "Failed"]);
    expect(build.at(-1)).toMatchObject({
      attempt: 1,
      job: release.names("-b1-")[0],
      node: expect.any(String) as string,
    });
    expect(build.at(-1)?.reason).toBe("it ended with code 4");
  });
  it("gets more time", async () => {
    const deadlines: number[] = [];
    const { start } = given({
      build1: ({ spec }) => {
        deadlines.push(spec.activeDeadlineSeconds);
        return { kind: "deadline" };
      },
    });
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "DeadlineExceeded" });
    expect(deadlines).toEqual([7200, 10_800, 16_200]);
  });
  it("is not repeated when its program refuses, or misses an input", async () => {
    const words = { step: "inputs", message: "other bytes", remedy: "fetch", logTail: "" };
    const failure = { code: "InputDigestMismatch" as const, ...words };
    const ends: [PodEnd, string][] = [
      [{ kind: "exit", code: 2 }, "Usage"],
      [{ kind: "exit", code: 4, log: "no such tool" }, "InputMissing"],
      [{ kind: "exit", code: 4, log: JSON.stringify({ failure }) }, "InputDigestMismatch"],
      [{ kind: "exit", code: 4, message: failureMessage(failure) }, "InputDigestMismatch"],
    ];
    for (const [end, code] of ends) {
      const { start, names } = given({ build1: () => end });
      await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code });
      expect(names("-b1-")).toHaveLength(1);
    }
  });
  it("whose image can't be pulled is reported, goes on trying, and is adopted then", async () => {
    let there = false;
    const { start, names, jobs } = given({
      build1: () =>
        there
          ? said({ schemaVersion: 1, manifest: made.digest, cpus: "0" })
          : { kind: "pull", message: "Back-off pulling image" },
    });
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "ImagePullFailed" });
    there = true;
    for (const { pods } of jobs.values()) {
      const pod = pods.at(-1);
      if (pod?.status?.phase === "Pending") pod.status = { phase: "Running" };
    }
    await start().build(demoBuildJob(), signal);
    expect(names("-b1-")).toHaveLength(1);
  });
  it("that waits says why, in the scheduler's words, after ten minutes", async () => {
    const told: string[] = [];
    const release = given({
      fetch: () => {
        release.pass(11 * 60 * 1000);
        return { kind: "unschedulable", message: "0/1 nodes are available" };
      },
    });
    const stop = new AbortController();
    const options = release.options("work", (event) => {
      if (event.event !== "action") return;
      told.push(event.text);
      if (event.text.includes("nodes are available")) stop.abort(new Error("seen"));
    });
    await expect(clusterJobRunner(options).build(demoBuildJob(), stop.signal)).rejects.toThrow("seen");
    expect(told.at(-1)).toBe("waits: 0/1 nodes are available");
  });
});

describe("pods that end in any order of faults", () => {
  it("end in a run or in an error, never in more than two further attempts of the work's own", async () => {
    const ends = fc.array(
      fc.constantFrom<PodEnd>(
        { kind: "exit", code: 1 },
        { kind: "exit", code: 137, reason: "OOMKilled" },
        { kind: "evicted", message: "Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. " },
        { kind: "deadline" },
        { kind: "disrupted" },
      ),
      { maxLength: 5 },
    );
    let round = 0;
    await fc.assert(
      fc.asyncProperty(ends, async (list) => {
        const queue = [...list];
        const { start, names } = given({
          build1: () => queue.shift() ?? said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
        });
        round += 1;
        const own = list.filter(({ kind }) => kind !== "disrupted").length;
        const run = start(`round-${round}`).build(demoBuildJob(), signal);
        if (own <= 2) expect((await run).manifestDigest).toBe(made.digest);
        else await expect(run).rejects.toMatchObject({ name: "ReleaseError" });
        expect(names("-b1-").length).toBe(Math.min(own + 1, 3));
      }),
      { numRuns: 25 },
    );
  });
});

import { mkdtemp, rm, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../../builders/contract/digest.ts";
import { Killed } from "../../../test/fakes/cluster-jobs.ts";
import {
  demoBuildJob,
  fakeClusterRelease,
  INPUTS,
  type Programs,
  said,
  stepOf,
} from "../../../test/fakes/cluster-release.ts";
import { stageFiles, writeDemoRun } from "../../../test/fakes/staged-run.ts";
import type { JobSettings } from "../../domain/jobs/job-settings.ts";
import { LABEL, releaseSelector } from "../../domain/jobs/object-labels.ts";
import { claimName } from "../../domain/jobs/object-names.ts";
import type { ClusterJobs } from "../../ports/cluster-jobs.ts";
import { clusterJobRunner } from "./job-runner.ts";
import { suspendJobs } from "./suspend-jobs.ts";
import { sweepLeftOvers, sweepRelease } from "./sweep-release.ts";

const { signal } = new AbortController();
let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cluster-runner-"));
  made = await writeDemoRun(join(folder, "volume"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A release in a cluster, and processes that start one after the other. */
function given(programs: Programs = {}, over: Partial<JobSettings> = {}) {
  const release = fakeClusterRelease(folder, made, programs, over);
  return { ...release, start: (work?: string) => clusterJobRunner(release.options(work)) };
}

describe("a run in a cluster", () => {
  it("fetches once for all runs, builds, publishes, and brings the run here", async () => {
    const { start, created, jobs, claims, identity } = given();
    const runner = start();
    const [first, second] = await Promise.all([
      runner.build(demoBuildJob(1), signal),
      runner.build(demoBuildJob(2), signal),
    ]);
    expect(created.map((name) => name.replace(/^dir-[0-9a-f]{10}-amd64-/, "")).toSorted()).toEqual([
      ...["b1-1", "b2-1", "f-1", "p1-1", "p2-1"],
    ]);
    expect([...claims.keys()].toSorted()).toEqual([claimName(identity, "amd64", 1), claimName(identity, "amd64", 2)]);
    expect(first).toMatchObject({ manifest: made.manifest, manifestDigest: made.digest });
    expect(first.output).toBe(join(folder, "work/noble-1/amd64/run-1/out"));
    expect(await runner.readText(first, "amd64/dpkg-status")).toBe("status");
    const image = join(second.output, "amd64/raw/installer.img");
    expect(await readFile(image)).toEqual(await readFile(join(folder, "volume/out/amd64/raw/installer.img")));
    expect((await stat(image)).blocks * 512).toBeLessThan(100_000);
    const build = [...jobs.values()].find(({ manifest }) => stepOf(manifest) === "build1");
    expect(build?.manifest.spec.template.spec.initContainers?.[0]?.image).toBe(`registry.example/inputs@${INPUTS}`);
    expect(build?.manifest.metadata.labels[LABEL.fencing]).toBe("7");
  });
  it("records when, where and how it was done: run 1 plain, run 2 on the CPU that its pod found", async () => {
    const runner = given().start();
    const { record } = await runner.build(demoBuildJob(1), signal);
    expect(record).toMatchObject({
      run: 1,
      node: expect.stringMatching(/^n[12]$/) as string,
      variation: { cpus: null },
    });
    expect(record.startedOn).toMatch(/^2026-11-26T03:00:\d\dZ$/);
    expect(record.logs).toEqual([{ name: "01-root.log", sha256: sha256Hex("installed\n") }]);
    expect((await runner.build(demoBuildJob(2), signal)).record.variation).toMatchObject({ cpus: "3", umask: "0077" });
  });
  it("records that only policies held its network, where the class names no RuntimeClass", async () => {
    expect((await given().start().build(demoBuildJob(), signal)).record.network).toBe("policy");
    const cut = given({}, { runtimeClassName: "nonet" });
    expect((await cut.start("cut").build(demoBuildJob(), signal)).record).not.toHaveProperty("network");
  });
  it("is finished once it is here, and is not looked for again", async () => {
    const { start, verbs } = given();
    expect(await start().finished(demoBuildJob(), signal)).toBeNull();
    const built = await start().build(demoBuildJob(), signal);
    const before = verbs.length;
    expect(await start().finished(demoBuildJob(), signal)).toEqual(built);
    expect(await start().build(demoBuildJob(), signal)).toEqual(built);
    expect(verbs.length).toBe(before);
  });
  it("is brought here again by a process that has lost its folder, without any new Job", async () => {
    const { start, created } = given();
    const built = await start("lost").build(demoBuildJob(), signal);
    const before = created.length;
    const again = await start("other").finished(demoBuildJob(), signal);
    expect(again).toEqual({ ...built, output: join(folder, "other/noble-1/amd64/run-1/out") });
    expect(created.length).toBe(before);
  });
  it("goes elsewhere than the other runs where the class requires it", async () => {
    const { start, jobs } = given({}, { spread: "Require" });
    const runner = start();
    const { record } = await runner.build(demoBuildJob(1), signal);
    await runner.build(demoBuildJob(2), signal);
    const second = [...jobs.values()].find(({ manifest }) => stepOf(manifest) === "build2");
    expect(JSON.stringify(second?.manifest.spec.template.spec.affinity)).toContain(
      `"NotIn","values":["${record.node}"]`,
    );
  });
  it("leaves nothing when it is discarded, and another run alone", async () => {
    let logs = 0;
    const { start, jobs, claims, identity, staging } = given({
      publish2: async () => {
        await writeFile(join(folder, "volume/logs/01-root.log"), `run 2, ${(logs += 1)}`);
        const staged = await stageFiles(staging.store, join(folder, "volume"), made.paths);
        return said({ schemaVersion: 1, manifest: made.digest, staged });
      },
    });
    const runner = start();
    await runner.build(demoBuildJob(1), signal);
    await runner.build(demoBuildJob(2), signal);
    expect(staging.manifests.size).toBe(2);
    await runner.discard(demoBuildJob(2), signal);
    expect(staging.manifests.size).toBe(1);
    expect([...jobs.values()].map(({ manifest }) => stepOf(manifest)).toSorted()).toEqual([
      "build1",
      "fetch",
      "publish1",
    ]);
    expect([...claims.keys()]).toEqual([claimName(identity, "amd64", 1)]);
    await expect(stat(join(folder, "work/noble-1/amd64/run-2"))).rejects.toThrow("ENOENT");
    expect(await runner.finished(demoBuildJob(1), signal)).not.toBeNull();
  });
  it("leaves nothing in staging when a process discards it that did not bring it", async () => {
    const { start, jobs, staging } = given();
    await start().build(demoBuildJob(), signal);
    await start("other").discard(demoBuildJob(), signal);
    expect([staging.manifests.size, jobs.size]).toEqual([0, 1]); // its inputs are for all runs
  });
  it("is looked for once where there is none, and not again before its Jobs are made", async () => {
    const { start, verbs } = given();
    const runner = start();
    for (const run of [1, 2]) expect(await runner.finished(demoBuildJob(run), signal)).toBeNull();
    expect(verbs).toEqual(["list jobs"]);
    await Promise.all([1, 2].map((run) => runner.build(demoBuildJob(run), signal)));
    const [fetched, ...steps] = verbs.join().split("create job");
    expect([fetched, steps.length]).toEqual(["list jobs,", 5]);
    const looks = verbs.filter((verb) => verb === "list pods").length;
    expect(verbs.filter((verb) => verb === "list jobs")).toHaveLength(looks + 1);
  });
  it("is swept with all of its release", async () => {
    const { start, cluster, jobs, claims, settings, staging, options } = given();
    await start().build(demoBuildJob(1), signal);
    const from = { cluster, staging: options().staging };
    await sweepRelease(from, { namespace: settings.namespace, release: "other" }, signal);
    expect([jobs.size, claims.size, staging.manifests.size]).toEqual([3, 1, 1]);
    const { namespace } = settings;
    expect(await sweepLeftOvers(from, { namespace, isKnown: (name) => name === "noble-1" }, signal)).toEqual([]);
    expect([jobs.size, claims.size, staging.manifests.size]).toEqual([3, 1, 1]);
    expect(await sweepLeftOvers(from, { namespace, isKnown: () => false }, signal)).toEqual(["noble-1"]);
    expect([jobs.size, claims.size, staging.manifests.size]).toEqual([0, 0, 0]);
    await sweepRelease(from, { namespace, release: "noble-1" }, signal);
  });
});

describe("a run that is suspended", () => {
  /** A process that is stopped while the build is at work, and whose Jobs are suspended then. */
  async function suspended() {
    const release = given();
    const { cluster, settings, options } = release;
    const stop = new AbortController();
    const runner = clusterJobRunner({
      ...options("first"),
      onJob: ({ ref, state }) => {
        if (ref.step === "build" && state === "Running") stop.abort(new Error("suspended"));
      },
    });
    await expect(runner.build(demoBuildJob(), stop.signal)).rejects.toThrow("suspended");
    const of = { namespace: settings.namespace, release: "noble-1" };
    const counts = [await suspendJobs(cluster, of, signal), await suspendJobs(cluster, of, signal)];
    return { ...release, counts };
  }
  it("has its unfinished Jobs suspended, once, and loses none", async () => {
    const { counts, jobs, created, verbs } = await suspended();
    expect(counts).toEqual([1, 0]); // the fetch has ended
    expect([...jobs.keys()]).toEqual(created);
    expect([...jobs.values()].filter(({ pods }) => pods.length > 0).map(({ manifest }) => stepOf(manifest))).toEqual([
      "fetch",
    ]);
    expect(verbs.filter((verb) => verb === "suspend job")).toHaveLength(1);
  });
  it("goes on when a process works on it again, which is no other attempt", async () => {
    const { start, created, verbs, told } = await suspended();
    expect((await start("other").build(demoBuildJob(), signal)).manifestDigest).toBe(made.digest);
    expect(created).toHaveLength(3);
    expect(created.every((name) => name.endsWith("-1"))).toBe(true);
    expect(told.every(({ attempt, state }) => attempt === 1 && state !== "Failed")).toBe(true);
    expect(verbs.filter((verb) => verb === "resume job")).toHaveLength(1);
  });
  it("is tried again where one Job could not be suspended; the others are", async () => {
    const { start, cluster, settings, jobs } = given();
    const of = { namespace: settings.namespace, release: "noble-1" };
    await start().build(demoBuildJob(), signal);
    for (const entry of jobs.values()) [entry.phase, entry.conditions] = ["running", []];
    const [first] = jobs.keys();
    const refuse: ClusterJobs["suspendJob"] = async (named, ...rest) => {
      if (named.name === first) throw new Error("HTTP 503");
      return cluster.suspendJob(named, ...rest);
    };
    await expect(suspendJobs({ ...cluster, suspendJob: refuse }, of, signal)).rejects.toThrow("HTTP 503");
    expect([...jobs.values()].map((entry) => entry.suspended)).toEqual([false, true, true]);
    expect(await suspendJobs(cluster, of, signal)).toBe(1);
  });
});

describe("a sweep", () => {
  it("hears what a Job staged that ends meanwhile, before the Job is gone", async () => {
    const { start, cluster, settings } = given();
    await start().build(demoBuildJob(1), signal);
    const all = { namespace: settings.namespace, selector: releaseSelector("noble-1") };
    const [jobs, pods] = [await cluster.listJobs(all, signal), await cluster.listPods(all, signal)];
    const [first, second] = [made.digest, digestOf("staged later")];
    // the same Jobs again, as those of another run that says something else
    const again = <T>(objects: readonly T[], staged: string): T[] =>
      JSON.parse(JSON.stringify(objects).replaceAll(/\\"staged\\":\\"[^"\\]+/g, `\\"staged\\":\\"${staged}`));
    const other = <T>(objects: readonly T[]): T[] =>
      JSON.parse(JSON.stringify(again(objects, second)).replaceAll('"uid-', '"other-'));
    const removed: string[] = [];
    const deletedAfter: string[][] = [];
    const sweeping: ClusterJobs = {
      ...cluster,
      listJobs: async () => (removed.length === 0 ? jobs : [...jobs, ...other(jobs)]),
      listPods: async () => (removed.length === 0 ? again(pods, first) : [...again(pods, first), ...other(pods)]),
      deleteJobs: async () => void deletedAfter.push([...removed]),
    };
    const staging = { remove: async (digest: string) => removed.push(digest) > 0 };
    await sweepRelease({ cluster: sweeping, staging }, { namespace: settings.namespace, release: "noble-1" }, signal);
    expect(deletedAfter).toEqual([[first, second]]);
  });
});

describe("a process that dies", () => {
  it("after any call is followed by one that goes on: no Job is made twice", async () => {
    const whole = given();
    await whole.start().build(demoBuildJob(), signal);
    const calls = whole.verbs.length;
    expect(calls).toBeGreaterThan(15);
    for (let nth = 1; nth <= calls; nth += 1) {
      const { start, killAfter, created, claims } = given();
      killAfter(nth);
      await expect(start(`w${nth}`).build(demoBuildJob(), signal)).rejects.toThrow(Killed);
      const built = await start(`w${nth}`).build(demoBuildJob(), signal);
      expect(built.manifestDigest).toBe(made.digest);
      expect(created.length, `killed after call ${nth}`).toBe(3);
      expect(claims.size).toBe(1);
    }
  });
  it("and no longer leads creates nothing more", async () => {
    const { start, names, loseLead } = given({
      build1: () => {
        loseLead();
        return { kind: "exit", code: 1 };
      },
    });
    await expect(start().build(demoBuildJob(), signal)).rejects.toThrow("no leader any more");
    expect(names("-b1-")).toHaveLength(1);
  });
});

describe("what is not believed", () => {
  it("is a Job of our name that was asked for something else", async () => {
    const { start, jobs } = given();
    await start().build(demoBuildJob(), signal);
    const mine = [...jobs.entries()].find(([name]) => name.endsWith("-f-1"));
    if (mine === undefined) throw new RangeError("no fetch Job");
    for (const labels of [{ ...mine[1].manifest.metadata.labels, [LABEL.request]: "0".repeat(63) }, {}]) {
      const manifest = { ...mine[1].manifest, metadata: { ...mine[1].manifest.metadata, labels } };
      jobs.set(mine[0], { ...mine[1], manifest });
      await expect(start("other").build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "NameCollision" });
    }
  });
  it("is a pod of another Job with our labels", async () => {
    const { start, strangers, jobs } = given({
      build1: (manifest, nth) => {
        const [own] = jobs.get(manifest.metadata.name)?.pods ?? [];
        if (own !== undefined && nth === 1) {
          const message = JSON.stringify({ schemaVersion: 1, manifest: digestOf("evil"), cpus: "0" });
          const ended = { exitCode: 0, message, startedAt: "2026-11-26T04:00:00Z", finishedAt: "2026-11-26T04:00:00Z" };
          strangers.push({
            ...own,
            metadata: {
              ...own.metadata,
              name: "zzz",
              creationTimestamp: "2026-11-26T09:00:00Z",
              ownerReferences: [{ kind: "Job", uid: "another", controller: true }],
            },
            status: { phase: "Succeeded", containerStatuses: [{ name: "build", state: { terminated: ended } }] },
          });
        }
        return said({ schemaVersion: 1, manifest: made.digest, cpus: "0" });
      },
    });
    expect((await start().build(demoBuildJob(), signal)).manifestDigest).toBe(made.digest);
    expect(strangers).toHaveLength(1);
  });
  it("is a publish pod that read another manifest than the build pod wrote", async () => {
    const { start } = given({
      publish1: () => said({ schemaVersion: 1, manifest: digestOf("other"), staged: digestOf("staged") }),
    });
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "ManifestMismatch" });
    await expect(stat(join(folder, "work/noble-1/amd64/run-1"))).rejects.toThrow("ENOENT");
  });
  it("is a pod that ends well without saying what it did", async () => {
    const { start, names } = given({ build1: () => ({ kind: "exit", code: 0, message: "done" }) });
    await expect(start().build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "BuildFailed" });
    expect(names("-b1-")).toHaveLength(3);
  });
});

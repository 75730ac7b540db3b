import { cp, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BootResult } from "../../../builders/contract/boot.ts";
import { type Digest, digestOf, sha256Hex, stableJson } from "../../../builders/contract/digest.ts";
import { logLines } from "../../../builders/contract/log-file.ts";
import { readRequest } from "../../../builders/contract/pod.ts";
import { failureMessage } from "../../../builders/contract/termination-message.ts";
import { artifactDigest } from "../../../builders/host/artifact-digest.ts";
import { fakeArtifactStore } from "../../../test/fakes/artifact-store.ts";
import { fakeClusterJobs, Killed, type PodEnd } from "../../../test/fakes/cluster-jobs.ts";
import { demoBuildRequest, demoJobContext, demoToolchainLock } from "../../../test/fakes/job-context.ts";
import { stageFiles, writeDemoRun } from "../../../test/fakes/staged-run.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { JobSettings } from "../../domain/jobs/job-settings.ts";
import type { JobManifest } from "../../domain/jobs/kubernetes-objects.ts";
import { LABEL } from "../../domain/jobs/object-labels.ts";
import { claimName } from "../../domain/jobs/object-names.ts";
import type { BootJob, BuildJob } from "../../ports/job-runner.ts";
import { clusterJobRunner } from "./job-runner.ts";
import { sweepRelease } from "./sweep-release.ts";

const { signal } = new AbortController();
const job = (run = 1): BuildJob => ({
  ...{
    request: demoBuildRequest("amd64"),
    run,
    toolchain: demoToolchainLock("amd64"),
  },
});
const INPUTS = digestOf("inputs image");
const said = (message: object, log = ""): PodEnd => ({ kind: "exit", code: 0, message: JSON.stringify(message), log });
const stepOf = ({ metadata }: JobManifest): string =>
  `${metadata.labels[LABEL.step]}${metadata.labels[LABEL.run] ?? ""}`;
const attemptOf = ({ metadata }: JobManifest): string => metadata.labels[LABEL.attempt] ?? "";
const memoryOf = ({ spec }: JobManifest) => spec.template.spec.containers[0].resources.limits?.memory;

let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "cluster-runner-"));
  made = await writeDemoRun(join(folder, "volume"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A staging repository that removes. */
const removable = ({ store, manifests }: ReturnType<typeof fakeArtifactStore>) => ({
  ...store,
  remove: async (digest: Digest) => manifests.delete(digest),
});

/** Programs of pods by step, `build1`; what a test leaves out ends well. */
type Programs = Readonly<Record<string, (job: JobManifest, nth: number) => PodEnd | Promise<PodEnd>>>;

function given(programs: Programs = {}, over: Partial<JobSettings> = {}) {
  const staging = fakeArtifactStore("registry.example/staging");
  const volume = join(folder, "volume");
  const ends: Programs = {
    fetch: () => said({ schemaVersion: 1, inputsImage: INPUTS }),
    build: () => said({ schemaVersion: 1, manifest: made.digest, cpus: "3" }),
    publish: async () =>
      said({ schemaVersion: 1, manifest: made.digest, staged: await stageFiles(staging.store, volume, made.paths) }),
  };
  const cluster = fakeClusterJobs(async (manifest, nth) => {
    const program = programs[stepOf(manifest)] ?? ends[manifest.metadata.labels[LABEL.step] ?? ""];
    if (program === undefined) throw new RangeError(stepOf(manifest));
    return program(manifest, nth);
  });
  let term = 7;
  const { identity, settings } = demoJobContext(over);
  /** A process that starts: it knows nothing of an earlier one but its folder, if that is still there. */
  const start = (work = "work") =>
    clusterJobRunner({
      ...{
        cluster: cluster.cluster,
        identity,
        settings,
        runs: 2,
        staging: removable(staging),
        work: join(folder, work),
      },
      fencing: () => {
        if (Number.isNaN(term)) throw new ReleaseError("Internal", "no leader any more", "wait");
        return term;
      },
      fetch: {
        archives: { debian: { sources: [{ kind: "mirror", url: "https://mirror.example/debian" }], keyring: "k.gpg" } },
        repository: "registry.example/inputs",
        access: { allowPrivate: false, allowHTTP: false, ca: null },
      },
      publish: { repository: "registry.example/staging", access: { allowPrivate: false, allowHTTP: false, ca: null } },
      ...{ perturbation: null, report: () => undefined, now: cluster.now, random: () => 0 },
      pause: async (milliseconds) => cluster.pass(milliseconds),
    });
  const lead = (next: number) => {
    term = next;
  };
  const names = (suffix: string) => cluster.created.filter((name) => name.includes(suffix));
  return { ...cluster, staging, start, lead, names, identity, settings };
}

describe("a run in a cluster", () => {
  it("fetches once for all runs, builds, publishes, and brings the run here", async () => {
    const { start, created, jobs, claims, identity } = given();
    const runner = start();
    const [first, second] = await Promise.all([runner.build(job(1), signal), runner.build(job(2), signal)]);
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
    const { record } = await runner.build(job(1), signal);
    expect(record).toMatchObject({
      run: 1,
      node: expect.stringMatching(/^n[12]$/) as string,
      variation: { cpus: null },
    });
    expect(record.startedOn).toMatch(/^2026-11-26T03:00:\d\dZ$/);
    expect(record.logs).toEqual([{ name: "01-root.log", sha256: sha256Hex("installed\n") }]);
    expect((await runner.build(job(2), signal)).record.variation).toMatchObject({ cpus: "3", umask: "0077" });
  });
  it("records that only policies held its network, where the class names no RuntimeClass", async () => {
    expect((await given().start().build(job(), signal)).record.network).toBe("policy");
    const cut = given({}, { runtimeClassName: "nonet" });
    expect((await cut.start("cut").build(job(), signal)).record).not.toHaveProperty("network");
  });
  it("is finished once it is here, and is not looked for again", async () => {
    const { start, verbs } = given();
    expect(await start().finished(job(), signal)).toBeNull();
    const built = await start().build(job(), signal);
    const before = verbs.length;
    expect(await start().finished(job(), signal)).toEqual(built);
    expect(await start().build(job(), signal)).toEqual(built);
    expect(verbs.length).toBe(before);
  });
  it("is brought here again by a process that has lost its folder, without any new Job", async () => {
    const { start, created } = given();
    const built = await start("lost").build(job(), signal);
    const before = created.length;
    const again = await start("other").finished(job(), signal);
    expect(again).toEqual({ ...built, output: join(folder, "other/noble-1/amd64/run-1/out") });
    expect(created.length).toBe(before);
  });
  it("goes elsewhere than the other runs where the class requires it", async () => {
    const { start, jobs } = given({}, { spread: "Require" });
    const runner = start();
    const { record } = await runner.build(job(1), signal);
    await runner.build(job(2), signal);
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
    await runner.build(job(1), signal);
    await runner.build(job(2), signal);
    expect(staging.manifests.size).toBe(2);
    await runner.discard(job(2), signal);
    expect(staging.manifests.size).toBe(1);
    expect([...jobs.values()].map(({ manifest }) => stepOf(manifest)).toSorted()).toEqual([
      "build1",
      "fetch",
      "publish1",
    ]);
    expect([...claims.keys()]).toEqual([claimName(identity, "amd64", 1)]);
    await expect(stat(join(folder, "work/noble-1/amd64/run-2"))).rejects.toThrow("ENOENT");
    expect(await runner.finished(job(1), signal)).not.toBeNull();
  });
  it("is swept with all of its release", async () => {
    const { start, cluster, jobs, claims, settings, staging } = given();
    await start().build(job(1), signal);
    const from = { cluster, staging: removable(staging) };
    await sweepRelease(from, { namespace: settings.namespace, release: "other" }, signal);
    expect([jobs.size, claims.size, staging.manifests.size]).toEqual([3, 1, 1]);
    await sweepRelease(from, { namespace: settings.namespace, release: "noble-1" }, signal);
    expect([jobs.size, claims.size, staging.manifests.size]).toEqual([0, 0, 0]);
  });
});

describe("a process that dies", () => {
  it("after any call is followed by one that goes on: no Job is made twice", async () => {
    const whole = given();
    await whole.start().build(job(), signal);
    const calls = whole.verbs.length;
    expect(calls).toBeGreaterThan(15);
    for (let nth = 1; nth <= calls; nth += 1) {
      const { start, killAfter, created, claims } = given();
      killAfter(nth);
      await expect(start(`w${nth}`).build(job(), signal)).rejects.toThrow(Killed);
      const built = await start(`w${nth}`).build(job(), signal);
      expect(built.manifestDigest).toBe(made.digest);
      expect(created.length, `killed after call ${nth}`).toBe(3);
      expect(claims.size).toBe(1);
    }
  });
  it("and no longer leads creates nothing more", async () => {
    const { start, names, lead } = given({
      build1: () => {
        lead(Number.NaN);
        return { kind: "exit", code: 1 };
      },
    });
    await expect(start().build(job(), signal)).rejects.toThrow("no leader any more");
    expect(names("-b1-")).toHaveLength(1);
  });
});

describe("a Job that fails", () => {
  it("is repeated by the cluster when it is evicted, in the same attempt", async () => {
    const { start, names } = given({
      build1: (_, nth) =>
        nth < 3 ? { kind: "disrupted" } : said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
    });
    await start().build(job(), signal);
    expect(names("-b1-")).toHaveLength(1);
  });
  it("is repeated when its pod is gone before it was read, and does not count", async () => {
    const { start, names } = given({
      build1: (manifest) =>
        Number(attemptOf(manifest)) < 4
          ? { kind: "lost" }
          : said({ schemaVersion: 1, manifest: made.digest, cpus: "0" }),
    });
    await start().build(job(), signal);
    expect(names("-b1-").map((name) => name.at(-1))).toEqual(["1", "2", "3", "4"]);
  });
  it("gets more memory, twice, and is then reported with pod, step and log", async () => {
    const memory: (string | undefined)[] = [];
    const failure = {
      ...{ code: "StepFailed", step: "root-image", message: "mkfs.erofs was killed", remedy: "read", logTail: "" },
    };
    const { start, names } = given({
      build1: (manifest) => {
        memory.push(memoryOf(manifest));
        return { kind: "exit", code: 137, reason: "OOMKilled", log: `progress\n${JSON.stringify({ failure })}` };
      },
    });
    await expect(start().build(job(), signal)).rejects.toMatchObject({
      code: "OOMKilled",
      message: expect.stringMatching(
        /^dir-\w{10}-amd64-b1: it needs more memory .*\(pod .*, node n\d, container build, exit code 137\).*\nstep root-image: mkfs\.erofs was killed$/s,
      ) as string,
      cause: { failure: { ...failure, logTail: expect.stringContaining("progress") as string } },
    });
    expect(memory).toEqual(["4Gi", "6144Mi", "8Gi"]);
    expect(names("-b1-")).toHaveLength(3);
    // and is not tried again because somebody asks again
    await expect(start().build(job(), signal)).rejects.toMatchObject({ code: "OOMKilled" });
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
    const { record } = await start().build(job(2), signal);
    expect(record.variation.workFileSystem).toBe("memory"); // 6 GiB are room for a run in memory
  });
  it("gets more time", async () => {
    const deadlines: number[] = [];
    const { start } = given({
      build1: ({ spec }) => {
        deadlines.push(spec.activeDeadlineSeconds);
        return { kind: "deadline" };
      },
    });
    await expect(start().build(job(), signal)).rejects.toMatchObject({ code: "DeadlineExceeded" });
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
      await expect(start().build(job(), signal)).rejects.toMatchObject({ code });
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
    await expect(start().build(job(), signal)).rejects.toMatchObject({ code: "ImagePullFailed" });
    there = true;
    for (const { pods } of jobs.values()) {
      const pod = pods.at(-1);
      if (pod?.status?.phase === "Pending") pod.status = { phase: "Running" };
    }
    await start().build(job(), signal);
    expect(names("-b1-")).toHaveLength(1);
  });
  it("that waits says why, in the scheduler's words, after ten minutes", async () => {
    const told: string[] = [];
    const { cluster, identity, settings, staging, ...rest } = given({
      fetch: () => {
        rest.pass(11 * 60 * 1000);
        return { kind: "unschedulable", message: "0/1 nodes are available" };
      },
    });
    const stop = new AbortController();
    const runner = clusterJobRunner({
      ...{ cluster, identity, settings, runs: 2, staging: removable(staging), work: join(folder, "work") },
      fencing: () => 1,
      fetch: { archives: {}, repository: "r.example/i", access: { allowPrivate: false, allowHTTP: false, ca: null } },
      publish: { repository: "r.example/s", access: { allowPrivate: false, allowHTTP: false, ca: null } },
      ...{ perturbation: null, now: rest.now, random: () => 0 },
      pause: async () => undefined,
      report: (event) => {
        if (event.event !== "action") return;
        told.push(event.text);
        if (event.text.includes("nodes are available")) stop.abort(new Error("seen"));
      },
    });
    await expect(runner.build(job(), stop.signal)).rejects.toThrow("seen");
    expect(told.at(-1)).toBe("waits: 0/1 nodes are available");
  });
});

describe("what is not believed", () => {
  it("is a Job of our name that was asked for something else", async () => {
    const { start, jobs } = given();
    await start().build(job(), signal);
    const mine = [...jobs.entries()].find(([name]) => name.endsWith("-f-1"));
    if (mine === undefined) throw new RangeError("no fetch Job");
    for (const labels of [{ ...mine[1].manifest.metadata.labels, [LABEL.request]: "0".repeat(63) }, {}]) {
      const manifest = { ...mine[1].manifest, metadata: { ...mine[1].manifest.metadata, labels } };
      jobs.set(mine[0], { ...mine[1], manifest });
      await expect(start("other").build(job(), signal)).rejects.toMatchObject({ code: "NameCollision" });
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
    expect((await start().build(job(), signal)).manifestDigest).toBe(made.digest);
    expect(strangers).toHaveLength(1);
  });
  it("is a publish pod that read another manifest than the build pod wrote", async () => {
    const { start } = given({
      publish1: () => said({ schemaVersion: 1, manifest: digestOf("other"), staged: digestOf("staged") }),
    });
    await expect(start().build(job(), signal)).rejects.toMatchObject({ code: "ManifestMismatch" });
    await expect(stat(join(folder, "work/noble-1/amd64/run-1"))).rejects.toThrow("ENOENT");
  });
  it("is a pod that ends well without saying what it did", async () => {
    const { start, names } = given({ build1: () => ({ kind: "exit", code: 0, message: "done" }) });
    await expect(start().build(job(), signal)).rejects.toMatchObject({ code: "BuildFailed" });
    expect(names("-b1-")).toHaveLength(3);
  });
});

describe("a boot in a cluster", () => {
  const result: BootResult = {
    ...{ schemaVersion: 1, passed: true, reason: "reached multi-user", agentLine: "agent", durationSeconds: 30 },
    ...{ emulator: "QEMU 10", commandLine: ["qemu"], consoleTail: [] },
  };
  const serial = `${"console line\n".repeat(5000)}`;
  const bootJobOf = (): BootJob => ({
    ...{ arch: "amd64", variant: "raw", rootDigest: digestOf("root"), backing: `partition:${"0".repeat(36)}` },
    ...{ artifact: join(folder, "volume/out/amd64/raw"), evidence: join(folder, "evidence"), memoryMiB: 1536 },
    disk: { firmware: "uefi", bus: "virtio-blk", extraMiB: 64, persistMiB: 128 },
    ...{ timeoutSeconds: 900, toolchain: job().toolchain },
  });
  const program =
    (over: Partial<BootResult> = {}, artifact?: Digest, cut = 0) =>
    async (): Promise<PodEnd> => {
      const text = stableJson({ ...result, ...over });
      const log = [
        '{"event":"started","step":"boot"}',
        ...logLines("serial.log", Buffer.from(serial)).slice(cut),
        ...logLines("boot.json", Buffer.from(text)),
      ].join("\n");
      const message = {
        ...{ schemaVersion: 1, result: digestOf(text), serialLog: sha256Hex(serial) },
        artifact: artifact ?? (await artifactDigest(bootJobOf().artifact)),
      };
      return said(message, log);
    };
  it("is a Job of its own, whose log is the evidence", async () => {
    const { start, created, jobs } = given({ boot: program() });
    expect(await start().boot(bootJobOf(), signal)).toEqual({ result, serialLog: sha256Hex(serial) });
    expect(created).toEqual([expect.stringMatching(/-amd64-v-raw-uefi-1$/)]);
    expect(await readFile(join(folder, "evidence/serial.log"), "utf8")).toBe(serial);
    const [entry] = jobs.values();
    const env = Object.fromEntries(
      entry?.manifest.spec.template.spec.containers[0].env.map(({ name, value }) => [name, value]) ?? [],
    );
    expect(readRequest(env)).toMatchObject({
      backing: `partition:${"0".repeat(36)}`,
      memoryMiB: 1536,
      timeoutSeconds: 900,
    });
    // adopted by whoever asks for the same boot
    await start().boot(bootJobOf(), signal);
    expect(created).toHaveLength(1);
  });
  it("that did not prove itself is a result", async () => {
    const { start } = given({ boot: program({ passed: false, reason: "no agent" }) });
    expect((await start().boot(bootJobOf(), signal)).result).toMatchObject({ passed: false, reason: "no agent" });
  });
  it("of other bytes than the release's is refused", async () => {
    const { start } = given({ boot: program({}, digestOf("other")) });
    await expect(start().boot(bootJobOf(), signal)).rejects.toMatchObject({ code: "VerificationFailed" });
  });
  it("whose log was cut is done again at the next try", async () => {
    let cut = 1;
    const { start, created } = given({ boot: () => program({}, undefined, cut)() });
    await expect(start().boot(bootJobOf(), signal)).rejects.toMatchObject({ code: "Evicted" });
    cut = 0;
    expect((await start().boot(bootJobOf(), signal)).result.passed).toBe(true);
    expect(created).toHaveLength(2);
  });
  it("of another artifact does not take over a Job of the same name", async () => {
    const { start } = given({ boot: program() });
    await start().boot(bootJobOf(), signal);
    await cp(bootJobOf().artifact, join(folder, "changed"), { recursive: true });
    await writeFile(join(folder, "changed/SHA256SUMS"), "other\n");
    const changed = { ...bootJobOf(), artifact: join(folder, "changed") };
    await expect(start().boot(changed, signal)).rejects.toMatchObject({ code: "NameCollision" });
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
        const run = start(`round-${round}`).build(job(), signal);
        if (own <= 2) expect((await run).manifestDigest).toBe(made.digest);
        else await expect(run).rejects.toMatchObject({ name: "ReleaseError" });
        expect(names("-b1-").length).toBe(Math.min(own + 1, 3));
      }),
      { numRuns: 25 },
    );
  });
});

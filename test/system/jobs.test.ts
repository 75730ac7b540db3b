import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, test } from "vitest";
import { CAPABILITIES, INSIDE } from "../../builders/contract/inside.ts";
import { exec } from "../../builders/host/exec.ts";
import { suspendJobs } from "../../controller/adapters/kubernetes/suspend-jobs.ts";
import { sweepRelease } from "../../controller/adapters/kubernetes/sweep-release.ts";
import { jobName } from "../../controller/domain/jobs/object-names.ts";
import { nextAfterFault } from "../../controller/reconciler/outcome.ts";
import { clusterJobsContract } from "../contracts/cluster-jobs-contract.ts";
import { demoBuildJob } from "../fakes/cluster-release.ts";
import { type Cluster, kubectl, printed } from "./cluster/cluster.ts";
import { takeDown } from "./cluster/down.ts";
import { eventually } from "./cluster/eventually.ts";
import { create, jobOf } from "./cluster/jobs.ts";
import { bringUp } from "./cluster/up.ts";
import { type StubRoom, type StubScripts, stubRelease, stubRoom } from "./stub-release.ts";

// The real runner of Jobs on a real cluster; only the programs in the pods are stand-ins.
const NAME = "jobs";
const { signal } = new AbortController();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
let cluster: Cluster;
let folder = "";
let room: StubRoom;

beforeAll(async () => {
  await takeDown(NAME, signal);
  cluster = await bringUp(NAME, { say, signal }, { secondNode: "arm64" });
  folder = await mkdtemp(join(tmpdir(), "jobs-"));
  room = await stubRoom(cluster, folder, signal);
});
afterAll(async () => {
  await takeDown(NAME, signal);
  await rm(folder, { recursive: true, force: true });
});

type Over = Parameters<typeof stubRelease>[3];
const release = (name: string, scripts: StubScripts = {}, over: Over = {}) =>
  stubRelease(room, name, scripts, over, signal);
const admin = async (...args: readonly string[]): Promise<string> => printed(await kubectl(cluster, args));

/** Waits to be told to end, as a build that goes on for long. */
const FOREVER = "trap 'exit 143' TERM; echo at work; sleep 600 & wait; exit 1\n";
/** The volume outlives the pods of its run. */
const ONCE = (first: string): string =>
  `[ -e ${INSIDE.out}/seen ] || { touch ${INSIDE.out}/seen; ${first}\n}\n{{DONE}}`;

/** Made once: its namespace serves the whole contract. */
let contractRoom: ReturnType<Parameters<typeof clusterJobsContract>[1]> | undefined;
async function openContractRoom() {
  const { start, settings } = await release("contract");
  return { cluster: (await start()).cluster, settings };
}
clusterJobsContract("a real one", () => (contractRoom ??= openContractRoom()));

describe.concurrent("Jobs on a real cluster", () => {
  test("bring a run here, woken by watches, from a pod that may do nothing else", async ({ expect }) => {
    const script = [
      ...["grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; id -u", "grep ' / ' /proc/mounts | cut -c1-24"],
      ...["ls -A /var/run/secrets 2>&1", "touch /stray 2>&1", "ip route; echo routes shown"],
      ...["nc -w 3 10.96.0.1 443 -e true 2>/dev/null && echo API: yes || echo API: no", "{{DONE}}"],
    ];
    const { start, run, jobs, told } = await release("whole", { build: script.join("\n") });
    const since = performance.now();
    const { runner } = await start();
    const built = await runner.build(demoBuildJob(), signal);
    // three Jobs: without watches each would be looked at after a minute
    expect(performance.now() - since).toBeLessThan(100_000);
    expect(built.manifestDigest).toBe(room.made.digest);
    const image = "amd64/raw/installer.img";
    expect(await readFile(join(built.output, image))).toEqual(await readFile(join(folder, "volume/out", image)));
    expect(await jobs("")).toHaveLength(3);
    expect(told.filter(({ ref }) => ref.step === "build").at(-1)).toMatchObject({ state: "Succeeded", node: "node" });

    const [build = ""] = await jobs("-b1-");
    const log = (await run("logs", `job/${build}`, "--container", "build")).split("\n");
    const mask = Object.values<number>(CAPABILITIES).reduce((sum, bit) => sum + 2 ** bit, 0);
    const held = mask.toString(16).padStart(16, "0");
    const none = "0".repeat(16);
    expect(log.slice(0, 8)).toEqual([
      ...[`CapInh:\t${none}`, `CapPrm:\t${held}`, `CapEff:\t${held}`, `CapBnd:\t${held}`, `CapAmb:\t${none}`],
      ...["NoNewPrivs:\t1", "Seccomp:\t2", "0"],
    ]);
    expect(log[8]).toBe("overlay / overlay ro,rel");
    expect(log.slice(9)).toEqual([
      expect.stringMatching(/secrets: No such file/) as string,
      "touch: /stray: Read-only file system",
      ...["routes shown", "API: no"],
    ]);
    // a second process on another machine brings the same run, and makes no Job
    const again = await start({}, { work: join(folder, "elsewhere") });
    expect((await again.runner.finished(demoBuildJob(), signal))?.manifestDigest).toBe(room.made.digest);
    expect(await jobs("")).toHaveLength(3);
  });

  test("of a class without a RuntimeClass are nobody to the API server", async ({ expect }) => {
    const ask =
      "wget -q -O - --no-check-certificate https://10.96.0.1/api/v1/namespaces 2>&1; ls -A /var/run/secrets 2>&1";
    const made = await release("routes", { build: `${ask}\n{{DONE}}` });
    const { runtimeClassName: _, ...settings } = made.settings;
    const { runner } = await made.start({}, { settings });
    const { record } = await runner.build(demoBuildJob(), signal);
    expect(record.network).toBe("policy");
    const [build = ""] = await made.jobs("-b1-");
    const log = await made.run("logs", `job/${build}`, "--container", "build");
    expect(log).toMatch(/HTTP\/1\.1 40[13] (Forbidden|Unauthorized)\n.*secrets: No such file/);
  });

  test("go on after a drain with another pod, which is no other attempt", async ({ expect }) => {
    const nodeSelector = { "kubernetes.io/hostname": "node-2" };
    const made = await release("drained", { build: ONCE(FOREVER) }, { emulation: "Allow", nodeSelector });
    const { runner } = await made.start();
    const building = runner.build(demoBuildJob(), signal);
    const pod = await Promise.race([made.running("-b1-"), building.then(() => "ended")]);
    await admin("drain", "node-2", "--force", "--delete-emptydir-data", "--ignore-daemonsets", "--timeout=600s");
    await admin("uncordon", "node-2");
    expect((await building).manifestDigest).toBe(room.made.digest);
    expect(await made.jobs("-b1-")).toHaveLength(1);
    const pods = await made.run("get", "pods", "--output", "jsonpath={.items[*].metadata.name}");
    expect(pods.split(" ").filter((name) => name.includes("-b1-") && name !== pod)).toHaveLength(1);
    expect(made.told.filter(({ ref }) => ref.step === "build").every(({ attempt }) => attempt === 1)).toBe(true);
  });

  test("that are suspended lose their pods and nothing else, and go on as the same attempt", async ({ expect }) => {
    const made = await release("suspended", { build: ONCE(FOREVER) });
    const of = { namespace: "suspended", release: "suspended" };
    const stop = new AbortController();
    const first = await made.start();
    const building = first.runner.build(demoBuildJob(), stop.signal);
    building.catch(() => undefined); // it is interrupted
    const pod = await made.running("-b1-");
    const log = () => made.run("logs", pod, "--container", "build");
    await eventually("it is at work", { seconds: 60, signal }, async () => (await log()).includes("at work"));
    stop.abort(new Error("suspended"));
    await expect(building).rejects.toThrow("suspended");
    expect(await suspendJobs(first.cluster, of, signal)).toBe(1);
    const gone = async () => !(await made.list("pods")).includes(pod);
    await eventually("its pod is gone", { seconds: 60, signal }, gone);
    const [job = "", ...more] = await made.jobs("-b1-");
    const state = await made.run(
      "get",
      "job",
      job,
      "--output",
      "jsonpath={.spec.suspend} {.status.conditions[*].type}",
    );
    expect([state, more]).toEqual(["true Suspended", []]);
    expect(await suspendJobs(first.cluster, of, signal)).toBe(0);

    const next = await made.start();
    expect((await next.runner.build(demoBuildJob(), signal)).manifestDigest).toBe(room.made.digest);
    expect(await made.jobs("-b1-")).toEqual([job]);
    const told = made.told.filter(({ ref }) => ref.step === "build");
    expect(told.filter(({ attempt, state: how }) => attempt !== 1 || how === "Failed")).toEqual([]);
  });

  test("get more memory up to the cap, are then reported, and are left alone until somebody asks", async ({
    expect,
  }) => {
    const hungry = "echo about to take it all; exec tail /dev/zero";
    const resources = { requests: { memory: "32Mi" }, limits: { memory: "40Mi" } };
    const made = await release("hungry", { build: hungry }, { resources, maxResources: { memory: "64Mi" } });
    const { runner } = await made.start();
    const fault = await runner.build(demoBuildJob(), signal).catch((error: unknown) => error);
    expect(fault).toMatchObject({
      code: "OOMKilled",
      message: expect.stringMatching(
        /-b1: it needs more memory .*pod dir-.*-b1-3-.*, node node, container build, exit code 137/,
      ) as string,
      cause: { failure: { step: "build", logTail: "about to take it all" } },
    });
    expect(nextAfterFault(fault)).toEqual({ kind: "forget", result: "stalled" });
    const limit = "jsonpath={.spec.template.spec.containers[0].resources.limits.memory}";
    const limits = (await made.jobs("-b1-")).map((job) => made.run("get", "job", job, "--output", limit));
    expect(await Promise.all(limits)).toEqual(["40Mi", "60Mi", "64Mi"]);
    await expect(runner.build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "OOMKilled" });
    expect(await made.jobs("-b1-")).toHaveLength(3);
    const asked = await made.start({}, { retryAt: "once more" });
    await expect(asked.runner.build(demoBuildJob(), signal)).rejects.toMatchObject({ code: "OOMKilled" });
    expect(await made.jobs("-b1-")).toHaveLength(6);
  });

  test("get more time", async ({ expect }) => {
    // in a Job's time its pod must also start, among the pods of all these tests
    const made = await release("slow", { build: ONCE("sleep 600") }, { deadlineSeconds: 45 });
    const { runner } = await made.start();
    await runner.build(demoBuildJob(), signal);
    const limit = "jsonpath={.spec.activeDeadlineSeconds}";
    const limits = (await made.jobs("-b1-")).map((job) => made.run("get", "job", job, "--output", limit));
    expect(await Promise.all(limits)).toEqual(["45", "68"]);
    expect(made.told.find(({ ref, state }) => ref.step === "build" && state === "Failed")?.attempt).toBe(1);
  });

  test.for([
    [2, "Usage"],
    [4, "InputMissing"],
  ] as const)(
    "that end with code %i are not tried again, and show the end of their log",
    async ([code, name], { expect }) => {
      // by one stream: nobody keeps the order of two
      const build = `{ echo first; echo no such thing; } >&2; exit ${code}`;
      const made = await release(`code-${code}`, { build });
      const { runner } = await made.start();
      const fault = await runner.build(demoBuildJob(), signal).catch((error: unknown) => error);
      expect(fault).toMatchObject({
        ...{ code: name, kind: "permanent" },
        message: expect.stringMatching(new RegExp(`container build, exit code ${code}\\): no such thing$`)) as string,
        cause: { failure: { logTail: "first\nno such thing" } },
      });
      expect(await made.jobs("-b1-")).toHaveLength(1);
    },
  );

  test("that cannot reach a registry are repeated until they can", async ({ expect }) => {
    const made = await release("offline", { fetch: "echo the archive does not answer; exit 75" });
    const { runner } = await made.start();
    const building = runner.build(demoBuildJob(), signal);
    await eventually("two fetches failed", { seconds: 180, signal }, async () => (await made.jobs("-f-")).length > 2);
    await made.mendFetch();
    expect((await building).manifestDigest).toBe(room.made.digest);
    expect(made.told.find(({ state }) => state === "Failed")?.reason).toBe("the archive does not answer");
  });

  // preflight looks at nodes when a release is admitted: later one of them may be gone
  test("that must be spread over more nodes than are left wait, in the scheduler's words", async ({ expect }) => {
    const made = await release("spread", {}, { spread: "Require" });
    const first = await made.start();
    await first.runner.build(demoBuildJob(1), signal);
    const stop = new AbortController();
    const later = await made.start({
      now: () => Date.now() + 11 * 60_000,
      onJob: ({ ref, state, reason }) => {
        if (ref.step === "build" && state === "Pending" && reason !== null) stop.abort(new Error(reason));
      },
    });
    await expect(later.runner.build(demoBuildJob(2), stop.signal)).rejects.toThrow(
      /^0\/2 nodes are available: .*node affinity/,
    );
  });

  test("leave nothing when their release is deleted while they run", async ({ expect }) => {
    const made = await release("deleted", { build: `[ $(hostname) = builder ] || { ${FOREVER} }\n{{DONE}}` });
    const { runner, cluster: jobs, staging } = await made.start();
    await runner.build(demoBuildJob(1), signal);
    const stop = new AbortController();
    const building = runner.build(demoBuildJob(2), stop.signal);
    building.catch(() => undefined); // it is interrupted
    await made.running("-b2-");
    stop.abort(new Error("deleted"));
    await expect(building).rejects.toThrow("deleted");
    expect(await made.list("jobs,pods,persistentvolumeclaims")).not.toEqual([]);
    await sweepRelease({ cluster: jobs, staging }, { namespace: "deleted", release: "deleted" }, signal);
    const gone = async () => (await made.list("jobs,pods,persistentvolumeclaims")).length === 0;
    await eventually("Jobs, pods and claims are gone", { seconds: 180, signal }, gone);
    expect(await made.staging.resolveTag(made.staged.tag, signal)).toBeNull();
  });

  test("are adopted by the process after one that was killed", async ({ expect }) => {
    const made = await release("killed", { build: `while [ ! -e ${INSIDE.out}/go ]; do sleep 0.2; done\n{{DONE}}` });
    const kill = new AbortController();
    const script = join(import.meta.dirname, "stub-process.ts");
    const first = exec({
      program: process.execPath,
      args: [script],
      input: JSON.stringify(made.plan),
      signal: kill.signal,
    });
    const pod = await Promise.race([made.running("-b1-"), first.then(({ tail }) => tail)]);
    kill.abort();
    await expect(first).rejects.toThrow("abort");
    const { runner } = await made.start();
    const building = runner.build(demoBuildJob(), signal);
    await made.run("exec", pod, "--container", "build", "--", "touch", `${INSIDE.out}/go`);
    expect((await building).manifestDigest).toBe(room.made.digest);
    expect(await made.jobs("")).toHaveLength(3);
  });

  test("are not taken for a stranger's of the same name", async ({ expect }) => {
    const made = await release("collides");
    const name = jobName(made.identity, { step: "fetch", arch: "amd64" }, 1);
    await create(cluster, jobOf({ name, namespace: "collides", script: "true" }));
    const { runner } = await made.start();
    const fault = await runner.build(demoBuildJob(), signal).catch((error: unknown) => error);
    expect(fault).toMatchObject({ code: "NameCollision", kind: "permanent" });
    expect(await made.jobs("")).toEqual([]);
  });
});

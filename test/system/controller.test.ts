import { mkdtemp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLogger } from "../../controller/adapters/logger.ts";
import { createPrometheusMetrics } from "../../controller/adapters/prometheus-metrics.ts";
import { connectCluster, runClusterController } from "../../controller/cluster-wiring.ts";
import type { ClusterRelease } from "../../controller/domain/cluster-objects.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { demoSpec } from "../fakes/demo-release.ts";
import {
  type ControllerRoom,
  type ControllerStage,
  fenceIn,
  GIT_ACCOUNT,
  isReady,
  openStage,
  reasonOf,
  specsOf,
} from "./controller-room.ts";
import { realBuilds } from "./real-builds.ts";
import { type Simulation, simulatedOpener } from "./simulated-releases.ts";

// The controller against a real API server and a real git server over http; what a release needs besides is simulated.
const QUOTA = 3;
let stage: ControllerStage;

/**
 * Releases whose work is simulated: what was done of each stays, as it would in registry and git.
 * @param gate where each release waits before its first act
 */
function simulation(gate: Promise<void> = Promise.resolve()) {
  const done = new Map<string, Set<string>>();
  const started: string[] = [];
  /** names of the releases that were begun and are not recorded, and how many there ever were at once */
  const active = new Set<string>();
  let most = 0;
  const effects: Simulation = {
    done: (release) => {
      const known = done.get(release) ?? new Set<string>();
      done.set(release, known);
      return known;
    },
    perform: async (release, { kind }) => {
      started.push(`${release} ${kind}`);
      active.add(release);
      most = Math.max(most, active.size);
      await gate;
      if (kind === "record") active.delete(release);
    },
  };
  return { effects, started, done, active, most: () => most };
}

/** A controller of its own; `stop` ends it in order. */
async function startController(
  { namespace, folder, newLog }: ControllerRoom,
  { effects }: Pick<ReturnType<typeof simulation>, "effects">,
) {
  const stop = new AbortController();
  const log = newLog();
  const connection = { ...(await connectCluster({}, stage.cluster.kubeconfig)), namespace };
  const once = async () =>
    runClusterController(
      {
        ...{ connection, metrics: createPrometheusMetrics() },
        log: await createLogger({ file: log, cwd: folder, debug: true }),
        scratch: await mkdtemp(join(folder, "scratch-")),
        opener: (view) => simulatedOpener(view, effects),
      },
      stop.signal,
    );
  // a machine that stands still for long takes the lease away: the kubelet starts the controller again then
  const again = async (): Promise<void> =>
    once().catch((fault: unknown) => {
      if (fault instanceof ReleaseError && fault.code === "LeaseLost" && !stop.signal.aborted) return again();
      throw fault;
    });
  const ended = again();
  ended.catch(() => undefined); // told by `stop`
  return {
    log,
    stop: async () => {
      stop.abort(new Error("the test ends it"));
      await ended;
    },
  };
}

/** Does something while a controller works in a room. */
async function duringController(
  room: ControllerRoom,
  simulated: Pick<ReturnType<typeof simulation>, "effects">,
  work: (log: string) => Promise<void>,
): Promise<void> {
  const { log, stop } = await startController(room, simulated);
  try {
    await work(log);
  } catch (fault) {
    await stop().catch(() => undefined); // what went wrong first is told
    throw fault;
  }
  await stop();
}

beforeAll(async () => {
  stage = await openStage("controller");
});
afterAll(() => stage[Symbol.asyncDispose]());

describe("a controller in a cluster", () => {
  it("makes an object of what is merged, and brings it to its end", async () => {
    const room = await stage.room("ends");
    const simulated = simulation();
    await duringController(room, simulated, async (log) => {
      await room.untilAll(["first"], "is there", () => true);
      await room.run(["wait", "--for=condition=Ready", "--timeout=900s", "diskimagerelease/first"]);
      const table = await room.run(["get", "diskimagereleases"]);
      expect(table.split("\n")[0]?.split(/\s+/)).toEqual([
        "NAME",
        "VERSION",
        "READY",
        "PHASE",
        "TARGETS",
        "REPRO",
        "PUBLISHED",
        "AGE",
      ]);
      expect(table).toMatch(/^first +2026\.11\.23-1 +True +Released +1\/1 +True +True /m);
      await room.until("an event tells each step", async () => {
        const told = await room.events();
        return ["Accepted", "AllEqual", "Pushed", "Succeeded"].every((reason) => told.includes(reason));
      });
      await room.until("the source was read", async () => {
        const [condition] = (await room.source())?.status.conditions ?? [];
        return condition?.type === "Ready" && condition.reason === "Succeeded";
      });
      const once = [...simulated.started];
      await room.merge(specsOf("second"));
      await room.untilAll(["second"], "is ready", isReady);
      expect(simulated.started.filter((one) => one.startsWith("first "))).toEqual(once);
      expect(await readFile(log, "utf8")).not.toMatch(GIT_ACCOUNT.password);
    });
  });

  it("tells what is wrong with a folder, labels one that is gone, and refuses what was made by hand", async () => {
    const room = await stage.room("wrong");
    await room.merge(specsOf("second"));
    await duringController(room, simulation(), async () => {
      await room.untilAll(["first", "second"], "is ready", isReady);
      await room.merge(new Map([["broken", "apiVersion: no\n"]]));
      await room.merge(new Map([["second", null]]));
      await room.until("the broken folder is told", async () =>
        (await room.source())?.status.errors?.some(({ path }) => path === "specs/broken/release.yaml"),
      );
      await room.untilAll(["second"], "is labelled", ({ orphaned }) => orphaned);
      const object = JSON.parse(await room.run(["get", "diskimagerelease", "first", "-o", "json"])) as object;
      const byHand = (name: string, labels: object) =>
        room.run(["create", "-f", "-"], JSON.stringify({ ...object, metadata: { name, labels } }));
      await byHand("by-hand", {});
      await byHand("in-disguise", { "releases.powernode.io/source": "releases" });
      for (const name of ["by-hand", "in-disguise"]) {
        await room.untilAll([name], "is refused", (one) => reasonOf(one, "Stalled") !== undefined);
        const found = (await room.releases())?.find((one) => one.name === name);
        expect(found && reasonOf(found, "Admitted")).toBe("NotFromGit");
      }
    });
  });

  it("refuses what no node can build, or too few can, until there are nodes", async () => {
    const room = await stage.room("nodes", { gate: { spread: "Require" } });
    const arm = demoSpec("", "    - { variant: kernel-initrd, arch: arm64 }\n").replace("name: demo", "name: arm");
    await room.merge(new Map([["arm", arm]]));
    const simulated = simulation();
    const nodes = ["amd64", "arm64", "arm64"].map((arch, index) => ({
      ...{ apiVersion: "v1", kind: "Node" },
      metadata: {
        name: `later-${index}`,
        labels: { "kubernetes.io/arch": arch, "kubernetes.io/hostname": `later-${index}` },
      },
    }));
    const admittedBy = (reason: string) => (one: ClusterRelease) => reasonOf(one, "Admitted") === reason;
    await duringController(room, simulated, async () => {
      await room.untilAll(["first"], "has too few nodes", admittedBy("NotEnoughNodes"));
      await room.untilAll(["arm"], "has no node", admittedBy("NoNodeForArch"));
      expect(simulated.started).toEqual([]);
      const told = (await room.releases())?.map(({ status }) => status.failure?.message);
      expect(told?.toSorted()).toEqual([
        "2 runs of amd64 must be on different nodes: there is 1 node with kubernetes.io/arch=amd64",
        "no node can build for arm64: there is none with kubernetes.io/arch=arm64 among 1 node",
      ]);
      try {
        for (const one of nodes) await room.run(["create", "-f", "-"], JSON.stringify(one));
        await room.untilAll(["first", "arm"], "is ready", isReady);
      } finally {
        for (const { metadata } of nodes) await room.run(["delete", "node", metadata.name]);
      }
      const events = await room.events();
      for (const reason of ["NotEnoughNodes", "NoNodeForArch"]) {
        expect([reason, events.filter((one) => one === reason).length]).toEqual([reason, 1]);
      }
    });
  });

  it("suspends the Jobs of a release with it, and lets them go on as the same attempt", async () => {
    const room = await stage.room("suspends");
    const connection = { ...(await connectCluster({}, stage.cluster.kubeconfig)), namespace: room.namespace };
    const end = new AbortController();
    const { effects } = simulation();
    const builds = new Map<string, ReturnType<typeof realBuilds>>();
    const perform: Simulation["perform"] = async (name, action, signal) => {
      const found = (await room.releases())?.find((one) => one.name === name);
      if (found === undefined) throw new Error(`${name} is not there`);
      const build = builds.get(found.uid) ?? realBuilds(connection, found, end.signal);
      builds.set(found.uid, build);
      await build(action, signal);
      await effects.perform(name, action, signal);
    };
    const simulated = { effects: { ...effects, perform } };
    const pods = async (phase: string) =>
      (await room.run(["get", "pods", "--field-selector", `status.phase=${phase}`, "-o", "name"]))
        .split("\n")
        .filter((name) => name !== "");
    const bothRun = () =>
      room.until("both runs are at work", async () => {
        const running = await pods("Running");
        return running.length === 2 && running;
      });
    const jobs = async () => {
      const shown = 'jsonpath={range .items[*]}{.metadata.name} {.spec.suspend}{"\\n"}{end}';
      return (await room.run(["get", "jobs", "-o", shown]))
        .split("\n")
        .map((line) => line.slice(line.indexOf("-b") + 1));
    };
    const suspend = (kind: string, name: string, value: boolean) =>
      room.run(["patch", kind, name, "--type=merge", "-p", JSON.stringify({ spec: { suspend: value } })]);
    const isSuspended = (one: ClusterRelease) =>
      reasonOf(one, "Ready") === "Suspended" && one.status.phase === "Suspended" && one.held;
    const noPods = () =>
      room.until("no pod is left", async () => (await room.run(["get", "pods", "-o", "name"])) === "");
    try {
      await duringController(room, simulated, async () => {
        await bothRun();
        await suspend("diskimagerelease", "first", true);
        await room.untilAll(["first"], "is suspended", isSuspended);
        await noPods();
        expect(await jobs()).toEqual(["b1-1 true", "b2-1 true"]);
      });
      const [job = ""] = (await room.run(["get", "jobs", "-o", "name"])).split("\n");
      await suspend("job", job.slice(job.indexOf("/") + 1), false);
      // the process that comes next holds it too
      await duringController(room, simulated, async () => {
        await room.until("it is suspended again", async () => (await jobs())[0] === "b1-1 true");
        await noPods();
        await suspend("diskimagerelease", "first", false);
        for (const pod of await bothRun()) await room.run(["exec", pod, "--", "touch", "/tmp/go"]);
        await room.untilAll(["first"], "is ready", isReady);
        expect(await jobs()).toEqual(["b1-1 false", "b2-1 false"]);
        expect((await room.releases())?.map(({ status }) => status.attempt)).toEqual([1]);
      });
    } finally {
      end.abort();
    }
  });

  it("that is set up anew adopts what is recorded: it does nothing", async () => {
    const room = await stage.room("adopts");
    await room.merge(specsOf("second"));
    const simulated = simulation();
    for (const name of ["first", "second"]) simulated.done.set(name, new Set(["record"]));
    await duringController(room, simulated, async () => {
      await room.untilAll(["first", "second"], "is ready", isReady);
      expect((await room.releases())?.map((one) => reasonOf(one, "Admitted"))).toEqual(["Adopted", "Adopted"]);
    });
    expect(simulated.started).toEqual([]);
  });

  it("of two, one works; when it stops, the other goes on", async () => {
    const room = await stage.room("two");
    const simulated = simulation();
    const both = [await startController(room, simulated), await startController(room, simulated)];
    try {
      const leader = await room.until("one leads", async () => {
        for (const one of both) if ((await fenceIn(one.log)) !== undefined) return one;
        return undefined;
      });
      const other = both.find((one) => one !== leader);
      await room.untilAll(["first"], "is ready", isReady);
      expect(other && (await fenceIn(other.log))).toBeUndefined();
      await leader.stop();
      await room.merge(specsOf("second"));
      await room.untilAll(["second"], "is ready", isReady);
      const [before, after] = [await fenceIn(leader.log), await fenceIn(other?.log ?? "")];
      expect(after).toBeGreaterThan(before ?? Number.NaN);
    } finally {
      for (const { stop } of both) await stop();
    }
    expect(simulated.started.filter((one) => one.endsWith(" record"))).toEqual(["first record", "second record"]);
  });

  it("honours the class's quotas, in order, when a hundred specs are merged at once", async () => {
    const room = await stage.room("quotas", { quotas: { maxConcurrentReleases: QUOTA } });
    const names = Array.from({ length: 100 }, (_, index) => `many-${String(index).padStart(3, "0")}`);
    await room.merge(new Map([...specsOf(...names), ["first", null]]));
    const gate = Promise.withResolvers<void>();
    const simulated = simulation(gate.promise);
    await duringController(room, simulated, async () => {
      try {
        // all of them are there, and some were told to wait: only then does anything go on
        await room.untilAll(names, "is there", () => true);
        await room.until("the quota is used", async () => simulated.active.size >= QUOTA);
        const waiting = names.slice(QUOTA, 2 * QUOTA);
        await room.untilAll(waiting, "waits for its turn", (one) => reasonOf(one, "Built") === "Queued");
        expect([...simulated.active].toSorted()).toEqual(names.slice(0, QUOTA));
      } finally {
        gate.resolve();
      }
      await room.untilAll(names, "is ready", isReady);
    });
    const order = simulated.started.flatMap((one) => /^(many-\d+) archive-inputs$/.exec(one)?.[1] ?? []);
    expect(order.toSorted()).toEqual(names);
    // turns are given in order: whoever was overtaken had one too, and was slow to begin
    const overtaken = order.map((name, at) => order.slice(at).filter((later) => later < name).length);
    expect(Math.max(...overtaken)).toBeLessThan(QUOTA);
    expect(simulated.most()).toBe(QUOTA);
  });
});

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../../builders/host/exec.ts";
import { killPart } from "./cluster/cluster.ts";
import {
  type ControllerRoom,
  type ControllerStage,
  fenceIn,
  isReady,
  openStage,
  reasonOf,
  specsOf,
} from "./controller-room.ts";
import { type EffectsFolder, effectsFolder } from "./effects-folder.ts";
import { type RunningController, startControllerProcess } from "./running-controller.ts";
import { startWatchFaults, WATCH_FAULTS } from "./watch-faults.ts";

// Controllers as processes of their own, which are killed, stopped, cut off and told to stop, on a real API server. What
// they do to releases is simulated; what was done stays, and is counted.
const TARGET = "amd64/kernel-initrd";
/** All that is done for a release, each once. */
const EFFECTS = [
  ...["archive-inputs", "build amd64 run 1", "build amd64 run 2", "compare amd64", "boot amd64 kernel-initrd"],
  `stage ${TARGET}`,
  ...["provenance-run-1", "provenance-run-2", "tests", "sbom"].map((document) => `sign ${TARGET} ${document}`),
  ...[`publish ${TARGET}`, `tag ${TARGET}`, "record"],
];
/** Of the four that are signed, which are all alike, one is enough. */
const BOUNDARIES = EFFECTS.filter((key) => !key.startsWith("sign ") || key.endsWith(" sbom")).flatMap((key) => [
  `first ${key} before`,
  `first ${key} after`,
]);
const BUILDS = ["build amd64 run 1 before", "build amd64 run 2 before"];
const noMore = new AbortController();
let stage: ControllerStage;

beforeAll(async () => {
  stage = await openStage("faults");
});
afterAll(async () => {
  noMore.abort();
  await stage[Symbol.asyncDispose]();
});

/** A room, and what controllers do in it; `ofClass` replaces parts of its class's spec. */
async function open(namespace: string, ofClass: object = {}) {
  const room = await stage.room(namespace, ofClass);
  const folder = join(room.folder, "effects");
  const start = (server?: URL): Promise<RunningController> =>
    startControllerProcess(
      room,
      stage.cluster,
      { effects: folder, ...(server === undefined ? {} : { server }) },
      noMore.signal,
    );
  return { room, effects: effectsFolder(folder), start };
}

const onceEach = (effects: EffectsFolder, release: string): void =>
  expect(effects.of(release).toSorted()).toEqual(EFFECTS.toSorted());

/** Ends a controller in order. */
async function stop({ kill, ended }: RunningController): Promise<void> {
  await kill("SIGTERM");
  expect((await ended).exitCode).toBe(0);
}

/** As if the time of a lease were up: that it runs out by itself is seen where two controllers run. */
const endLease = ({ run }: ControllerRoom): Promise<string> =>
  run(["patch", "lease", "imgrel-controller", "--type=merge", "-p", '{"spec":{"holderIdentity":null}}']);

/** Two controllers: the one that leads, and the one that stands by. */
async function startTwo(room: ControllerRoom, start: () => Promise<RunningController>) {
  const both = [await start(), await start()];
  const leader = await room.until("one leads", async () => {
    for (const one of both) if ((await fenceIn(one.log)) !== undefined) return one;
    return undefined;
  });
  const other = both.find((one) => one !== leader);
  if (other === undefined) throw new Error("two were started");
  return { leader, other };
}

/** How the first of them ended; undefined: `done` came before. */
const endedBefore = (done: Promise<void>, { ended }: RunningController): Promise<Outcome | undefined> =>
  Promise.race([ended, done.then(() => undefined)]);

describe("a controller", () => {
  it("that is killed before and after each effect goes on, and does nothing twice", async () => {
    const { room, effects, start } = await open("killed");
    for (const point of BOUNDARIES) effects.killAt(point);
    const ready = room.untilAll(["first"], "is ready", isReady);
    let controller = await start();
    let kills = 0;
    for (let outcome = await endedBefore(ready, controller); outcome !== undefined; kills += 1) {
      expect(outcome).toMatchObject({ exitCode: 128 + 9 });
      await endLease(room);
      controller = await start();
      outcome = await endedBefore(ready, controller);
    }
    await stop(controller);
    expect(kills).toBe(BOUNDARIES.length);
    onceEach(effects, "first");
  });

  it("that leads and is killed is followed by the other one, which goes on", async () => {
    const { room, effects, start } = await open("leader-killed");
    const goOn = effects.holdAt("first build amd64 run 1 before");
    const { leader, other } = await startTwo(room, start);
    await room.until("a run has begun", async () => effects.reached("first build amd64 run 1 before"));
    expect(await fenceIn(other.log)).toBeUndefined();
    await leader.kill("SIGKILL");
    goOn();
    await room.untilAll(["first"], "is ready", isReady);
    expect(await fenceIn(other.log)).toBeGreaterThan((await fenceIn(leader.log)) ?? Number.NaN);
    const done = effects.all().find(({ key }) => key === "build amd64 run 1");
    expect(done?.pid).toBe(await other.pid);
    onceEach(effects, "first");
    await stop(other);
  });

  it("that leads and is paused for longer than its lease does nothing more, and ends", async () => {
    const { room, effects, start } = await open("leader-paused");
    const point = `first stage ${TARGET} after`;
    const goOn = effects.holdAt(point);
    const { leader, other } = await startTwo(room, start);
    await room.until("it has come so far", async () => effects.reached(point));
    await leader.kill("SIGSTOP");
    goOn();
    await room.untilAll(["first"], "is ready", isReady);
    await leader.kill("SIGCONT"); // it goes on behind `stage`: what is left to do is done, but not by it
    expect((await leader.ended).exitCode).toBe(1);
    expect(await readFile(leader.log, "utf8")).toContain("this process leads no more");
    onceEach(effects, "first");
    const later = effects.all().filter(({ key }) => /^(sign|publish|tag|record)/.test(key));
    expect(new Set(later.map(({ pid }) => pid))).toEqual(new Set([await other.pid]));
    await stop(other);
  });

  it("goes on when the API server was started anew in the middle of a build", async () => {
    const { room, effects, start } = await open("restarted");
    const point = "first build amd64 run 1 before";
    const goOn = effects.holdAt(point);
    let controller = await start();
    let leases = 0;
    await room.until("a run has begun", async () => effects.reached(point));
    await killPart(stage.cluster, "kube-apiserver");
    await room.until("the API server answers", async () => (await room.releases()) !== undefined);
    goOn();
    const ready = room.untilAll(["first"], "is ready", isReady);
    // a server that is away for longer than a lease is valid ends it, and the controller is started again; nothing else does
    for (let outcome = await endedBefore(ready, controller); outcome !== undefined; leases += 1) {
      expect(await readFile(controller.log, "utf8")).toContain("it was not renewed in time");
      controller = await start();
      outcome = await endedBefore(ready, controller);
    }
    expect(leases).toBeLessThan(2);
    onceEach(effects, "first");
    await stop(controller);
  });

  it("misses nothing when its watches break, however they do", async () => {
    const { room, effects, start } = await open("watches");
    await using faults = await startWatchFaults(stage.cluster);
    const controller = await start(faults.url);
    await room.untilAll(["first"], "is ready", isReady);
    const names = WATCH_FAULTS.map((fault) => `after-${fault.replaceAll(" ", "-")}`);
    for (const [index, fault] of WATCH_FAULTS.entries()) {
      const name = names[index] ?? "";
      faults.break(fault);
      await room.merge(specsOf(name));
      await room.untilAll([name], "is there", () => true);
      await room.until(`a watch meets with it: ${fault}`, async () => faults.met() > 0);
      expect(effects.of(name)).toEqual([]); // nobody has heard of it
      faults.mend();
      await room.untilAll([name], "is ready", isReady);
      onceEach(effects, name);
    }
    await stop(controller); // the one that was started: none of that has ended it
  });

  it("ends the work on a release that is deleted or suspended, and resumes that", async () => {
    const { room, effects, start } = await open("ended", { quotas: { maxConcurrentBuilds: 2 * BUILDS.length } });
    await room.merge(specsOf("second"));
    const points = ["first", "second"].flatMap((release) => BUILDS.map((build) => `${release} ${build}`));
    const goOn = points.map(effects.holdAt);
    const controller = await start();
    await room.until("all runs have begun", async () => points.every(effects.reached));
    await room.merge(new Map([["first", null]])); // else it is made anew
    await room.untilAll(["first"], "is labelled", ({ orphaned }) => orphaned);
    await room.run(["delete", "diskimagerelease", "first", "--wait=false"]);
    const suspend = (value: boolean) =>
      room.run([
        "patch",
        "diskimagerelease",
        "second",
        "--type=merge",
        "-p",
        JSON.stringify({ spec: { suspend: value } }),
      ]);
    await suspend(true);
    await room.until("all runs have ended", async () => points.every(effects.left));
    await room.untilAll(["second"], "is suspended", (one) => reasonOf(one, "Ready") === "Suspended");
    for (const one of goOn) one();
    await room.merge(specsOf("third"));
    await room.untilAll(["third"], "is ready", isReady);
    const built = () => effects.all().filter(({ key, release }) => release !== "third" && key !== "archive-inputs");
    expect(built()).toEqual([]);
    expect((await room.releases())?.map(({ name }) => name)).toEqual(["second", "third"]);
    await suspend(false);
    await room.untilAll(["second"], "is ready", isReady);
    onceEach(effects, "second");
    expect(effects.of("first").filter((key) => key !== "archive-inputs")).toEqual([]);
    await stop(controller);
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../../controller/domain/format.ts";
import { barePushes } from "./bare-pushes.ts";
import { bareWrites, copyReleased } from "./bare-writes.ts";
import { callLines, callsBetween, type Figures, sumOf } from "./cluster-figures.ts";
import { figuresOnce, openRoom, type Room, type RunningController, startController } from "./cluster-room.ts";
import { benchLocks, specFiles } from "./cluster-specs.ts";
import { describeUse, watchMachine } from "./machine-state.ts";

/** Releases of the class that are worked on at once; a class that says nothing has four. */
export const AT_ONCE = 8;

/** Waits until so many releases are released, and everything about them is sent. */
async function allReleased(room: Room, controller: RunningController, releases: number): Promise<Figures> {
  let last = await figuresOnce(room, controller, ({ phases }) => (phases["Released"] ?? 0) >= releases);
  for (;;) {
    await sleep(500);
    const now = await controller.figures();
    if (sumOf(now.calls) - sumOf(last.calls) < 2) return now; // a lease is renewed now and then
    last = now;
  }
}

/** `target`: requests per release. `booted`: whether a release has only what can be booted. */
type Round = {
  readonly number: number;
  readonly releases: number;
  readonly target: number;
  readonly booted: boolean;
};

/** One round of new releases, told but for its end. */
export async function measureRound(
  room: Room,
  controller: RunningController,
  { number, releases, target, booted }: Round,
) {
  const names = Array.from({ length: releases }, (_, index) => `round-${number}-${String(index).padStart(5, "0")}`);
  await room.merge(specFiles(names, await benchLocks(), booted));
  const recorded = (await room.records()).length;
  const before = await controller.figures();
  const machine = watchMachine();
  const after = await allReleased(room, controller, number * releases);
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const gitSeconds = after.gitSeconds - before.gitSeconds;
  const use = machine(cpuSeconds + gitSeconds);
  const calls = callsBetween(before.calls, after.calls);
  console.log(
    `round ${number}: ${use.wallSeconds.toFixed(1)} s; processor time of the controller ${cpuSeconds.toFixed(1)} s, ` +
      `of its git ${gitSeconds.toFixed(1)} s`,
  );
  console.log(`  ${(sumOf(calls) / releases).toFixed(1)} requests per release (target ${target})`);
  for (const line of callLines(calls, releases)) console.log(line);
  const { rss, heap } = await controller.figures();
  console.log(
    `  RSS ${formatBytes(rss)}, at most ${formatBytes(after.peakRss)} (target 250 MiB); heap ${formatBytes(heap)}`,
  );
  return { names, calls, use, commits: (await room.records()).slice(recorded) };
}

async function round(room: Room, controller: RunningController, number: number, releases: number): Promise<void> {
  const { names, calls, use, commits } = await measureRound(room, controller, {
    number,
    releases,
    target: 40,
    booted: false,
  });
  const bare = watchMachine();
  const [requests, pushes] = await Promise.all([
    bareWrites(room, { names, calls }, AT_ONCE),
    barePushes(room, commits),
  ]);
  const bareSeconds = Math.max(requests, pushes);
  const ratio = (use.wallSeconds / bareSeconds).toFixed(2);
  console.log(
    `  the same requests and ${commits.length} pushes in a bare loop ${bareSeconds.toFixed(1)} s ` +
      `(requests ${requests.toFixed(1)} s, pushes ${pushes.toFixed(1)} s): ${ratio} times as long (target 2.00)`,
  );
  console.log(`  ${describeUse(use)}; in the bare loop ${describeUse(bare(0))}`);
}

/** Waits until the controller leads. */
export const leading = (room: Room, controller: RunningController): Promise<Figures> =>
  figuresOnce(room, controller, ({ calls }) => (calls["create leases"] ?? 0) + (calls["patch leases"] ?? 0) > 0);

/**
 * The controller as it brings many releases of eight targets to their end, in a process of its own: objects, statuses,
 * events and leases on a real API server, records in a real repository; builds, registry and signatures in its memory.
 * Each round is of new releases. Requests are those that the controller's own client counts.
 */
export async function clusterReleases(rounds: number, releases: number): Promise<void> {
  await using room = await openRoom("bench", AT_ONCE);
  const controller = await startController(room, "memory");
  try {
    console.log(`RSS before the first release ${formatBytes((await leading(room, controller)).rss)}`);
    for (let number = 1; number <= rounds; number += 1) await round(room, controller, number, releases);
  } finally {
    await controller.stop();
  }
}

/** A controller whose releases are all released: what it needs to do nothing. The source is suspended. */
export async function idleReleases(releases: number): Promise<void> {
  await using room = await openRoom("bench", AT_ONCE);
  const first = await startController(room, "memory");
  const name = "released";
  try {
    await leading(room, first);
    await room.merge(specFiles([name], await benchLocks(), false));
    await allReleased(room, first, 1);
  } finally {
    await first.stop();
  }
  await room.suspend();
  await copyReleased(room, name, releases - 1);
  const begun = performance.now();
  const controller = await startController(room, "memory");
  try {
    await figuresOnce(room, controller, ({ phases }) => (phases["Released"] ?? 0) >= releases);
    await leading(room, controller);
    const seconds = (performance.now() - begun) / 1000;
    await sleep(30_000);
    const before = await controller.figures();
    await sleep(60_000);
    const after = await controller.figures();
    const { rss, peakRss, heap } = after;
    console.log(`${releases} released objects, led after ${seconds.toFixed(1)} s`);
    console.log(`  RSS ${formatBytes(rss)}, at most ${formatBytes(peakRss)}; heap ${formatBytes(heap)}`);
    console.log("  requests in a minute:");
    for (const line of callLines(callsBetween(before.calls, after.calls), 1)) console.log(line);
    console.log(`  processor time in that minute ${(after.cpuSeconds - before.cpuSeconds).toFixed(2)} s`);
  } finally {
    await controller.stop();
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../../controller/domain/format.ts";
import { bareWrites } from "./bare-writes.ts";
import { callLines, callsBetween, type Figures, sumOf } from "./cluster-figures.ts";
import { figuresOnce, openRoom, type Room, type RunningController, startController } from "./cluster-room.ts";
import { benchLocks, specFiles } from "./cluster-specs.ts";
import { describeUse, watchMachine } from "./machine-state.ts";

/** Releases of the class that are worked on at once; a class that says nothing has four. */
const AT_ONCE = 8;

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

async function round(room: Room, controller: RunningController, number: number, releases: number): Promise<void> {
  const locks = await benchLocks();
  const names = Array.from({ length: releases }, (_, index) => `round-${number}-${String(index).padStart(5, "0")}`);
  await room.merge(specFiles(names, locks, false));
  const before = await controller.figures();
  const machine = watchMachine();
  const after = await allReleased(room, controller, number * releases);
  const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
  const use = machine(cpuSeconds);
  const calls = callsBetween(before.calls, after.calls);
  const { wallSeconds } = use;
  console.log(
    `round ${number}: ${wallSeconds.toFixed(1)} s, of the controller's own processor time ${cpuSeconds.toFixed(1)} s`,
  );
  console.log(`  ${(sumOf(calls) / releases).toFixed(1)} requests per release (target 40)`);
  for (const line of callLines(calls, releases)) console.log(line);
  const { rss, heap } = await controller.figures();
  console.log(
    `  RSS ${formatBytes(rss)}, at most ${formatBytes(after.peakRss)} (target 250 MiB); heap ${formatBytes(heap)}`,
  );
  const bare = watchMachine();
  const bareSeconds = await bareWrites(room, { names, calls }, AT_ONCE);
  const ratio = (wallSeconds / bareSeconds).toFixed(2);
  console.log(`  the same requests in a bare loop ${bareSeconds.toFixed(1)} s: ${ratio} times as long (target 2.00)`);
  console.log(`  ${describeUse(use)}; in the bare loop ${describeUse(bare(0))}`);
}

/**
 * The controller as it brings many releases of eight targets to their end, in a process of its own: objects, statuses,
 * events and leases on a real API server, records in a real repository; builds, registry and signatures in its memory.
 * Each round is of new releases. Requests are those that the controller's own client counts.
 */
export async function clusterReleases(rounds: number, releases: number): Promise<void> {
  await using room = await openRoom(AT_ONCE, false);
  const controller = await startController(room, []);
  try {
    const leads = ({ calls }: Figures) => (calls["create leases"] ?? 0) + (calls["patch leases"] ?? 0) > 0;
    console.log(`RSS before the first release ${formatBytes((await figuresOnce(room, controller, leads)).rss)}`);
    for (let number = 1; number <= rounds; number += 1) await round(room, controller, number, releases);
  } finally {
    await controller.stop();
  }
}

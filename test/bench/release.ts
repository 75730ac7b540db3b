import { readdir, readFile, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";
import { walk } from "../../builders/host/tree.ts";
import { formatBytes } from "../../controller/domain/format.ts";
import { scheduleLines } from "../../controller/domain/schedule.ts";
import { imgrel } from "../imgrel.ts";
import { benchFolder } from "./demo.ts";
import { describeUse, median, quietRounds, watchMachine } from "./machine-state.ts";
import { nodeProcess } from "./own-process.ts";

const Result = z.object({
  schedule: z.array(z.object({ step: z.string(), startedAt: z.number(), endedAt: z.number(), cpuSeconds: z.number() })),
});

const release = (state: string) =>
  nodeProcess("controller/main.ts", ...["run", "--no-boot", "-o", "json", "--state-dir", state]);

/** Both runs of the demo release and their comparison, without boots: do they keep all processors busy? */
export async function bothRuns(rounds: number): Promise<void> {
  await imgrel("fetch", "specs/demo");
  let schedule: z.infer<typeof Result>["schedule"] = [];
  const results = await quietRounds(rounds, async (number) => {
    await using folder = await benchFolder("disk");
    const machine = watchMachine();
    const outcome = await release(join(folder.path, "state"));
    const cpuSeconds = outcome.userSeconds + outcome.systemSeconds;
    const use = machine(cpuSeconds);
    ({ schedule } = Result.parse(JSON.parse(outcome.stdout)));
    const ratio = outcome.wallSeconds / (cpuSeconds + use.stealSeconds);
    console.log(
      `round ${number}: wall ${outcome.wallSeconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${ratio.toFixed(2)}; orchestrator ${formatBytes(outcome.peakBytes)}; ${describeUse(use)}`,
    );
    return { ratio, peakBytes: outcome.peakBytes, uses: [use] };
  });
  console.log(["the last round:", ...scheduleLines(schedule, 50)].join("\n"));
  console.log(
    `both runs, median of ${results.length}: wall ${median(results.map(({ ratio }) => ratio)).toFixed(2)} x (CPU + steal) (target 0.65); orchestrator at most ${formatBytes(Math.max(...results.map(({ peakBytes }) => peakBytes)))} (target 150 MiB)`,
  );
}

const usedBytes = async (path: string): Promise<number> => {
  const { blocks, bfree, bsize } = await statfs(path);
  return (blocks - bfree) * bsize;
};

/** Bytes that sandboxes have at /w in memory, whose results go to the file system of `folder`. */
async function bytesInSandboxes(folder: string): Promise<number> {
  const { dev } = await stat(folder);
  const device = `0:${(dev & 0xff) | ((dev >> 12) & ~0xff)}`; // as mountinfo has it: an unnamed device's major is 0
  const found = new Map<number, number>();
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    try {
      const mounts = await readFile(`/proc/${pid}/mountinfo`, "utf8");
      if (!mounts.split("\n").some((line) => line.includes(` ${device} `) && line.includes(" /w/out "))) continue;
      const path = `/proc/${pid}/root/w`;
      found.set((await stat(path)).dev, await usedBytes(path));
    } catch {
      // the process has ended meanwhile
    }
  }
  return [...found.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Bytes on the disk of all files below a folder. */
async function allocatedBytes(folder: string): Promise<number> {
  let bytes = 0;
  const seen = new Set<number>();
  for await (const { stats } of walk(folder)) {
    if (!stats.isFile() || seen.has(stats.ino)) continue;
    seen.add(stats.ino);
    bytes += stats.blocks * 512;
  }
  return bytes;
}

/** The most that a release of two runs takes up at any time, on its disk and in its sandboxes' memory. */
export async function peakDisk(): Promise<void> {
  await imgrel("fetch", "specs/demo");
  await using folder = await benchFolder("memory"); // a file system of its own: what it holds is known at once
  const state = join(folder.path, "state");
  const stop = new AbortController();
  const ending = release(state).finally(() => stop.abort());
  const peak = { disk: 0, both: 0 };
  const look = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const [disk, memory] = [await usedBytes(folder.path), await bytesInSandboxes(folder.path)];
      peak.disk = Math.max(peak.disk, disk);
      peak.both = Math.max(peak.both, disk + memory);
      await setTimeout(100);
    }
  };
  await Promise.all([ending, look()]);
  const outputs = await allocatedBytes(join(state, "work/demo/amd64/run-1/out"));
  const times = (bytes: number) => `${formatBytes(bytes)}, ${(bytes / outputs).toFixed(2)} x the outputs of one run`;
  console.log(`outputs of one run: ${formatBytes(outputs)} on disk`);
  console.log(`peak on disk: ${times(peak.disk)} (target 3.00)`);
  console.log(`peak with what run 2 has in memory: ${times(peak.both)}`);
}

import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { formatBytes } from "../../controller/domain/format.ts";

const TICKS = 100; // USER_HZ, as in builders/host/exec.ts

/** Seconds of all processors since boot (proc_stat(5)): at work, and given by the hypervisor to others. */
function processorSeconds(): { busy: number; steal: number } {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, soft = 0, steal = 0] = line
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  return { busy: (user + nice + system + irq + soft) / TICKS, steal: steal / TICKS };
}

/** What the machine did while something was measured. */
export type MachineUse = {
  readonly wallSeconds: number;
  /** of all processors, whoever used them */
  readonly busySeconds: number;
  readonly stealSeconds: number;
  /** processors that others kept busy on average: all work that was not ours */
  readonly foreignLoad: number;
};

/** Above this a round says little, and is repeated. */
const MAX_FOREIGN_LOAD = 0.3;

/** Starts to watch; what it returns ends that. `ownSeconds`: processor time of what was measured, children included. */
export function watchMachine(): (ownSeconds: number) => MachineUse {
  const before = processorSeconds();
  const started = performance.now();
  const here = process.cpuUsage();
  return (ownSeconds) => {
    const wallSeconds = (performance.now() - started) / 1000;
    const after = processorSeconds();
    const { user, system } = process.cpuUsage(here);
    const busySeconds = after.busy - before.busy;
    const foreign = busySeconds - ownSeconds - (user + system) / 1e6;
    return {
      ...{ wallSeconds, busySeconds, stealSeconds: after.steal - before.steal },
      foreignLoad: Math.max(0, foreign) / wallSeconds,
    };
  };
}

export const isQuiet = ({ foreignLoad }: MachineUse): boolean => foreignLoad <= MAX_FOREIGN_LOAD;

/** Without it a time on a shared machine says little. */
export const describeUse = (use: MachineUse): string =>
  `foreign load ${use.foreignLoad.toFixed(2)}, steal ${use.stealSeconds.toFixed(1)} s`;

/**
 * Makes rounds until enough of them were quiet, at most three for each; says which were not.
 * @returns what the quiet ones gave, or all, with a word of warning printed, if there were too few
 */
export async function quietRounds<T extends { readonly uses: readonly MachineUse[] }>(
  wanted: number,
  round: (number: number) => Promise<T>,
): Promise<T[]> {
  const all: T[] = [];
  const quiet: T[] = [];
  while (quiet.length < wanted && all.length < wanted * 3) {
    const result = await round(all.length + 1);
    all.push(result);
    if (result.uses.every(isQuiet)) quiet.push(result);
    else console.log(`  not counted: foreign load above ${MAX_FOREIGN_LOAD}`);
  }
  if (quiet.length === wanted) return quiet;
  console.log(`the machine was too busy: only ${quiet.length} of ${all.length} rounds were quiet; all are counted`);
  return all;
}

/** What a figure was measured on. */
export function describeMachine(): string {
  const [first] = cpus();
  const now = new Date().toISOString().slice(0, 10);
  return `${now}: ${cpus().length} x ${first?.model.trim()}, ${formatBytes(totalmem())}, Linux ${release()}, Node ${process.version}`;
}

/** The middle value; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

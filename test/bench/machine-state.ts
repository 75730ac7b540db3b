import { readFileSync } from "node:fs";

/** Ticks of the whole machine since boot: all of them, and those that the hypervisor gave to others (proc_stat(5)). */
function ticks(): { total: number; steal: number } {
  const [line = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const fields = line.split(/\s+/).slice(1, 9).map(Number);
  return { total: fields.reduce((sum, field) => sum + field, 0), steal: fields[7] ?? 0 };
}

/** How loaded the machine was while something was measured: without it a time on a shared machine says little. */
export function watchMachine(): () => string {
  const before = ticks();
  const load = (): string => readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? "?";
  const loadBefore = load();
  return () => {
    const after = ticks();
    const steal = (100 * (after.steal - before.steal)) / Math.max(1, after.total - before.total);
    return `load ${loadBefore} before, ${load()} after; steal ${steal.toFixed(1)} %`;
  };
}

/** The middle value; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

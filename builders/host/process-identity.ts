import { readFileSync } from "node:fs";

/** One process for good: its ID may be another's by now, its start time tells. */
export type ProcessIdentity = {
  readonly pid: number;
  /** clock ticks since the machine started */
  readonly startTime: string;
};

/**
 * Fields of proc_pid_stat(5) from the third, the state, on.
 * @throws NodeJS.ErrnoException if there is no such process
 */
export function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // the second field is the program's name in brackets, which may hold anything
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

const STATE = 0;
const START_TIME = 19; // field 22

/**
 * The process that has this ID now.
 * @throws NodeJS.ErrnoException if there is none
 */
export const identityOf = (pid: number): ProcessIdentity => ({ pid, startTime: statFields(pid)[START_TIME] ?? "" });

export const thisProcess = (): ProcessIdentity => identityOf(process.pid);

/** Whether it still runs. One that has ended and waits to be reaped does not. */
export function isAlive({ pid, startTime }: ProcessIdentity): boolean {
  try {
    const fields = statFields(pid);
    return fields[START_TIME] === startTime && !/^[ZX]$/.test(fields[STATE] ?? "");
  } catch {
    return false;
  }
}

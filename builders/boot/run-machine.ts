import { join } from "node:path";
import type { BootRequest } from "../contract/boot.ts";
import type { Machine } from "../contract/machine.ts";
import type { Report } from "../contract/progress.ts";
import { SERIAL_LOG_FILE } from "../host/builder.ts";
import { diskFull, freeBytes } from "../host/disk-full.ts";
import { exec, PLAIN_ENV } from "../host/exec.ts";
import { plainLine, readConsole, type Verdict } from "./console.ts";

/** How long a machine that failed goes on, milliseconds: what follows the failure belongs to the evidence. */
const AFTERMATH = 15_000;

/**
 * What the folder of the evidence must have free, bytes, and how often it is looked at, milliseconds: QEMU stops a guest
 * whose disk can't grow, and loses a console that can't, both in silence.
 */
const ROOM = { least: 1024 * 1024, every: 1000 };
/** Why a machine was ended: there was no more room. */
const FULL = "full";

/** A console says something every few seconds; only lines of these kinds are worth a progress line. */
const NOTEWORTHY = /powernode: |Reached target|Linux version|dracut: |Switch(ing|ed) root/;

const isFull = async (folder: string) => (await freeBytes(folder)) < ROOM.least;

/**
 * Makes sure that a machine can start in a folder at all.
 * @throws BuildError DiskFull
 */
export async function assertRoom(work: string): Promise<void> {
  if (await isFull(work)) throw await diskFull("boot", [work]);
}

/** How one start of a machine ended. */
export type MachineEnd = {
  readonly verdict: Verdict;
  /** QEMU's own exit code, 128 + its number for a signal; null if it was ended: there was a verdict, or no more time */
  readonly exitCode: number | null;
  /** the last line that QEMU itself said; empty if there was none */
  readonly said: string;
  /** the last lines of the console and of QEMU, at most 40 */
  readonly tail: readonly string[];
};

export type StartOptions = {
  readonly machine: Machine;
  readonly request: BootRequest;
  /** folder for serial.log */
  readonly work: string;
  readonly report: Report;
};

/**
 * Starts a machine and watches its console until the guest proves itself, fails or runs out of time. The whole console
 * is kept in `<work>/serial.log`, made anew.
 * @throws BuildError DiskFull
 */
export async function runMachine({ machine, request, work, report }: StartOptions): Promise<MachineEnd> {
  const next = readConsole(request);
  const tail: string[] = [];
  let said = "";
  const stop = new AbortController();
  let verdict: Verdict = { state: "running" };
  let aftermath: NodeJS.Timeout | undefined;
  const room = setInterval(() => void isFull(work).then((full) => full && stop.abort(FULL)), ROOM.every);
  const timer = setTimeout(() => stop.abort(), request.timeoutSeconds * 1000);
  const outcome = await exec({
    ...machine,
    // what the guest writes, QEMU keeps in files there
    env: { ...PLAIN_ENV, TMPDIR: work },
    stdoutFile: join(work, SERIAL_LOG_FILE),
    signal: stop.signal,
    onLine: (raw, stream) => {
      const line = plainLine(raw);
      if (line !== "" && tail.push(line) > 40) tail.shift();
      if (line !== "" && stream === "stderr") said = line;
      if (NOTEWORTHY.test(line)) report({ event: "action", step: "boot", text: line.replace(/^\[[ .0-9]+\]\s*/, "") });
      if (verdict.state !== "running") return;
      verdict = next(raw);
      if (verdict.state === "passed") stop.abort();
      if (verdict.state === "failed") aftermath = setTimeout(() => stop.abort(), AFTERMATH);
    },
  })
    .catch((error: unknown) => {
      if (error instanceof Error && error.name === "AbortError") return null;
      throw error;
    })
    .finally(() => {
      clearInterval(room);
      clearTimeout(timer);
      clearTimeout(aftermath);
    });
  if (stop.signal.reason === FULL) throw await diskFull("boot", [work], tail.slice(-10).join("\n"));
  return { verdict, exitCode: outcome?.exitCode ?? null, said, tail };
}

import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { PerturbStep } from "../contract/perturbation.ts";
import type { Report } from "../contract/progress.ts";
import { diskFull, isDiskFull, saysDiskFull } from "../host/disk-full.ts";
import { exec, type Outcome, PLAIN_ENV } from "../host/exec.ts";
import { wasNotFound, withoutSync } from "./no-sync.ts";

/** What every step gets. Paths are those inside the sandbox or pod. */
export type StepContext = {
  /** the run's folder, `/w` */
  readonly work: string;
  /** fetched inputs by hash */
  readonly blobs: string;
  /** imgrel's own files: builders, dracut.conf.d, modules.d */
  readonly project: string;
  /** seconds since 1970: every time stamp */
  readonly epoch: number;
  /** how far the clocks of all tools are ahead, so that a time that leaks into an artifact shows */
  readonly clockOffsetDays: number;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** what a test wants made wrong in this run */
  readonly perturb?: PerturbStep;
};

export type ToolCall = {
  /** the step that it belongs to: names its log file and its failure */
  readonly step: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** text for the progress line; undefined leaves it as it is */
  readonly action?: (line: string) => string | undefined;
};

/**
 * Environment that moves a program's clock by libfaketime(1), which the toolchain has. Static programs don't load it;
 * neither do programs of the target root, which run inside a chroot without it.
 */
const fakeClock = (days: number): Readonly<Record<string, string>> =>
  days === 0
    ? {}
    : {
        LD_PRELOAD: "/usr/$LIB/faketime/libfaketime.so.1",
        FAKETIME: `+${days}d`,
        NO_FAKE_STAT: "1",
        FAKETIME_DONT_FAKE_MONOTONIC: "1",
      };

/**
 * Runs a tool of the toolchain with a plain environment (C.UTF-8, UTC, SOURCE_DATE_EPOCH) and keeps its output in
 * `<work>/logs/<step>.log`.
 * @throws BuildError ToolMissing if the toolchain lacks it, DiskFull if there was no space for what it makes or says,
 * StepFailed with its last lines if it exits other than 0
 */
export async function runTool(context: StepContext, call: ToolCall): Promise<Outcome> {
  const logs = join(context.work, "logs");
  const log = join(logs, `${call.step}.log`);
  // the log and what leaves the run may be on another file system than the work folder (sandbox.sh)
  const noSpace = () => diskFull(call.step, [context.work, logs], lines.filter(saysDiskFull).slice(-5).join("\n"));
  await mkdir(logs, { recursive: true });
  const lines: string[] = [`$ ${call.program} ${call.args.join(" ")}`];
  let outcome: Outcome;
  try {
    outcome = await exec({
      ...(await withoutSync(context.work, call.program, call.args)),
      cwd: call.cwd ?? context.work,
      env: {
        ...PLAIN_ENV,
        HOME: context.work,
        TMPDIR: join(context.work, "tmp"),
        SOURCE_DATE_EPOCH: String(context.epoch),
        ...fakeClock(context.clockOffsetDays),
        ...call.env,
      },
      ...(call.input === undefined ? {} : { input: call.input }),
      signal: context.signal,
      onLine: (line) => {
        lines.push(line);
        const text = call.action?.(line);
        if (text !== undefined) context.report({ event: "action", step: call.step, text });
      },
    });
  } finally {
    await appendFile(log, `${lines.join("\n")}\n`).catch(async (error: unknown) => {
      throw isDiskFull(error) ? await noSpace() : error;
    });
  }
  if (wasNotFound(call.program, outcome)) {
    throw new BuildError({
      code: "ToolMissing",
      step: call.step,
      message: `${call.program} is not in the toolchain root`,
      remedy: "add its package to builders/toolchain/packages.json and run: imgrel lock --toolchain",
    });
  }
  // dracut is known to say so and to end well
  if (lines.some(saysDiskFull)) throw await noSpace();
  if (outcome.exitCode !== 0) {
    throw new BuildError({
      code: "StepFailed",
      step: call.step,
      message: `${call.program} failed with code ${outcome.exitCode}`,
      remedy: `read ${log}`,
      logTail: outcome.tail,
    });
  }
  return outcome;
}

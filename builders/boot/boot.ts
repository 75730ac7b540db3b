import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { BootRequest, BootResult } from "../contract/boot.ts";
import { machineFor } from "../contract/machine.ts";
import type { Report } from "../contract/progress.ts";
import { SERIAL_LOG_FILE } from "../host/builder.ts";
import { diskFull, freeBytes } from "../host/disk-full.ts";
import { exec, PLAIN_ENV } from "../host/exec.ts";
import { plainLine, readConsole, type Verdict } from "./console.ts";
import { bootMedium } from "./medium.ts";

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

export type BootOptions = {
  readonly request: BootRequest;
  /** folder with the artifact's files */
  readonly artifact: string;
  /** folder for serial.log */
  readonly work: string;
  readonly report: Report;
};

/**
 * Boots an artifact under QEMU (TCG) and watches its console until it proves itself, fails or runs out of time. The
 * whole console is kept in `<work>/serial.log`.
 * @throws BuildError ToolMissing if the toolchain has no QEMU for this arch, DiskFull
 */
export async function boot(options: BootOptions): Promise<BootResult> {
  const { request, report } = options;
  const isFull = async () => (await freeBytes(options.work)) < ROOM.least;
  if (await isFull()) throw await diskFull("boot", [options.work]);
  const medium = await bootMedium(request, options.artifact, options.work);
  const machine = machineFor({ ...request, medium });
  const version = await exec({ program: machine.program, args: ["--version"] }).catch((cause: unknown) => {
    const message = `${machine.program} is not in the toolchain root`;
    throw new BuildError(
      { code: "ToolMissing", step: "boot", message, remedy: "use the toolchain root of this release" },
      { cause },
    );
  });
  const next = readConsole(request);
  const tail: string[] = [];
  const stop = new AbortController();
  let verdict: Verdict = { state: "running" };
  const started = process.hrtime.bigint();
  let aftermath: NodeJS.Timeout | undefined;
  const room = setInterval(() => void isFull().then((full) => full && stop.abort(FULL)), ROOM.every);
  const timer = setTimeout(() => stop.abort(), request.timeoutSeconds * 1000);
  const outcome = await exec({
    ...machine,
    // what the guest writes, QEMU keeps in files there
    env: { ...PLAIN_ENV, TMPDIR: options.work },
    stdoutFile: join(options.work, SERIAL_LOG_FILE),
    signal: stop.signal,
    onLine: (raw) => {
      const line = plainLine(raw);
      if (line !== "" && tail.push(line) > 40) tail.shift();
      if (NOTEWORTHY.test(line)) report({ event: "action", step: "boot", text: line.replace(/^\[[ .0-9]+\]\s*/, "") });
      if (verdict.state !== "running") return;
      verdict = next(raw);
      if (verdict.state === "passed") stop.abort();
      if (verdict.state === "failed") aftermath = setTimeout(() => stop.abort(), AFTERMATH);
    },
  }).catch((error: unknown) => {
    if (error instanceof Error && error.name === "AbortError") return undefined;
    throw error;
  });
  clearInterval(room);
  clearTimeout(timer);
  clearTimeout(aftermath);
  if (medium.kind === "disk") await rm(medium.file, { force: true });
  const seen = verdict as Verdict; // narrowed to "running" by the compiler, changed in the callback
  if (stop.signal.reason === FULL) throw await diskFull("boot", [options.work], tail.slice(-10).join("\n"));
  const durationSeconds = Number(process.hrtime.bigint() - started) / 1e9;
  return {
    schemaVersion: 1,
    passed: seen.state === "passed",
    reason: explain(seen, request, outcome?.exitCode),
    agentLine: seen.state === "running" ? null : seen.agentLine,
    durationSeconds,
    emulator: version.stdout.split("\n")[0] ?? "",
    commandLine: [machine.program, ...machine.args],
    consoleTail: tail,
  };
}

function explain(verdict: Verdict, request: BootRequest, exitCode: number | undefined): string {
  if (verdict.state === "failed") return verdict.reason;
  if (verdict.state === "passed") return "reached multi-user with its root an overlay over the verified image";
  return exitCode === undefined
    ? `the agent did not report identity ${request.identity} and digest ${request.rootDigest} within ${request.timeoutSeconds} s`
    : `QEMU ended with code ${exitCode} before the agent reported`;
}

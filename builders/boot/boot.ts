import { rm } from "node:fs/promises";
import type { BootRequest, BootResult } from "../contract/boot.ts";
import { BuildError } from "../contract/build-failure.ts";
import { machineFor } from "../contract/machine.ts";
import type { Report } from "../contract/progress.ts";
import { exec } from "../host/exec.ts";
import { bootMedium } from "./medium.ts";
import { assertRoom, runMachine } from "./run-machine.ts";
import { explain, startUntilItEnds } from "./starts.ts";

export type BootOptions = {
  readonly request: BootRequest;
  /** folder with the artifact's files */
  readonly artifact: string;
  /** folder for serial.log */
  readonly work: string;
  readonly report: Report;
};

/** What QEMU calls itself. */
async function versionOf(program: string): Promise<string> {
  const version = await exec({ program, args: ["--version"] }).catch((cause: unknown) => {
    const message = `${program} is not in the toolchain root`;
    throw new BuildError(
      { code: "ToolMissing", step: "boot", message, remedy: "use the toolchain root of this release" },
      { cause },
    );
  });
  return version.stdout.split("\n")[0] ?? "";
}

/**
 * Boots an artifact under QEMU (TCG) and watches its console until it proves itself, fails or runs out of time. The
 * whole console of the last start is kept in `<work>/serial.log`.
 * @throws BuildError ToolMissing if the toolchain has no QEMU for this arch, StepFailed if QEMU itself crashes again and
 * again, DiskFull
 */
export async function boot({ request, artifact, work, report }: BootOptions): Promise<BootResult> {
  await assertRoom(work);
  const medium = await bootMedium(request, artifact, work);
  try {
    const machine = machineFor({ ...request, medium });
    const emulator = await versionOf(machine.program);
    const started = process.hrtime.bigint();
    const end = await startUntilItEnds(() => runMachine({ machine, request, work, report }), report);
    const { verdict, tail } = end;
    return {
      schemaVersion: 1,
      passed: verdict.state === "passed",
      reason: explain(end, request),
      agentLine: verdict.state === "running" ? null : verdict.agentLine,
      durationSeconds: Number(process.hrtime.bigint() - started) / 1e9,
      emulator,
      commandLine: [machine.program, ...machine.args],
      consoleTail: [...tail],
    };
  } finally {
    if (medium.kind === "disk") await rm(medium.file, { force: true });
  }
}

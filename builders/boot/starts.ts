import type { BootRequest } from "../contract/boot.ts";
import { BuildError } from "../contract/build-failure.ts";
import type { Report } from "../contract/progress.ts";
import type { MachineEnd } from "./run-machine.ts";

/** How often a machine is started again after its emulator crashed. */
const FURTHER_STARTS = 2;

/** Exit codes from here on stand for signals. */
const SIGNALLED = 128;

const colon = (text: string): string => (text === "" ? "" : `: ${text}`);

/** How QEMU itself died before the guest had proven anything, or null: then the end says something about the guest. */
export function crashOf({ verdict, exitCode, said }: MachineEnd): string | null {
  if (verdict.state !== "running" || exitCode === null || exitCode < SIGNALLED) return null;
  return `QEMU died of signal ${exitCode - SIGNALLED} before the agent reported${colon(said)}`;
}

/**
 * Starts a machine, and once more where QEMU crashed, at most twice: that says nothing about the image. QEMU before
 * 11.0.4 is known to abort where a guest drives an AHCI disk (its issue 2777, `ide_dma_cb`; ADR 17).
 * @returns how the last start ended, and how those before it crashed
 * @throws BuildError StepFailed if QEMU crashes each time; what `start` throws
 */
export async function startUntilItEnds(
  start: () => Promise<MachineEnd>,
  report: Report,
): Promise<MachineEnd & { readonly crashes: readonly string[] }> {
  const crashes: string[] = [];
  for (;;) {
    const end = await start();
    const crash = crashOf(end);
    if (crash === null) return { ...end, crashes };
    crashes.push(crash);
    report({ event: "action", step: "boot", text: crash });
    if (crashes.length > FURTHER_STARTS) {
      throw new BuildError({
        ...{ code: "StepFailed", step: "boot", message: `${crash}; ${crashes.length} starts ended so` },
        remedy: "the emulator fails, not the image: boot it again, on another bus or with another toolchain root",
        logTail: end.tail.join("\n"),
      });
    }
  }
}

/** One sentence: what was seen, or what was expected and did not come. */
export function explain(
  { verdict, exitCode, said, crashes }: MachineEnd & { readonly crashes: readonly string[] },
  { identity, rootDigest, timeoutSeconds }: Pick<BootRequest, "identity" | "rootDigest" | "timeoutSeconds">,
): string {
  const before = crashes.map((crash) => `; in a start before, ${crash}`).join("");
  if (verdict.state === "failed") return `${verdict.reason}${before}`;
  if (verdict.state === "passed") {
    return `reached multi-user with its root an overlay over the verified image${before}`;
  }
  return exitCode === null
    ? `the agent did not report identity ${identity} and digest ${rootDigest} within ${timeoutSeconds} s${before}`
    : `QEMU ended with code ${exitCode} before the agent reported${colon(said)}${before}`;
}

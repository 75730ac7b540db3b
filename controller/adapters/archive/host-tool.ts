import { type Command, exec, type Outcome } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../domain/errors.ts";

/**
 * Runs a program of the host, which is apt's or dpkg's if no `remedy` says where else to get it, and keeps all its
 * messages, both streams in order of arrival.
 * @throws ReleaseError ToolMissing if the host lacks it
 */
export async function runHostTool(
  command: Command,
  remedy = "run this on Debian or Ubuntu, where the packages apt and dpkg bring it",
): Promise<Outcome & { readonly output: string }> {
  const lines: string[] = [];
  try {
    const outcome = await exec({ ...command, onLine: (line) => lines.push(line) });
    return { ...outcome, output: lines.join("\n") };
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new ReleaseError("ToolMissing", `${command.program} is not installed on this machine`, remedy, {
      cause: error,
    });
  }
}

import { exec } from "../../builders/host/exec.ts";
import type { ShardRun } from "./run-shards.ts";

export type ShardCommand = {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
};

/**
 * Runs a command in a PID namespace of its own, so that all it started ends with it; needs root. Where it is still
 * running after `secondsLeft` (Infinity: no limit) it is killed and counts as stopped.
 */
export async function executeFor(secondsLeft: number, command: ShardCommand): Promise<ShardRun> {
  const limit = Number.isFinite(secondsLeft) ? AbortSignal.timeout(Math.ceil(secondsLeft * 1000)) : undefined;
  try {
    const { exitCode } = await exec({
      ...command,
      program: "unshare",
      args: ["--fork", "--pid", "--mount-proc", "--kill-child=KILL", command.program, ...command.args],
      ...(limit === undefined ? {} : { signal: limit }),
    });
    return { exitCode, stopped: false };
  } catch (error) {
    if (limit?.aborted === true) return { exitCode: 1, stopped: true };
    throw error;
  }
}

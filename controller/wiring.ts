import type { Logger } from "./ports/logger.ts";
import type { ProgressView } from "./ports/progress-view.ts";

// Each function here imports its adapter when it is called: a command pays only for what it uses.

/** Progress on standard error, in the form that fits it: a table on a terminal, lines elsewhere. */
export async function createProgressView(): Promise<ProgressView> {
  const { createProgress } = await import("./adapters/local/progress.ts");
  return createProgress(process.stderr, process.env);
}

/**
 * A log of JSON lines, appended to `file`, or on standard error without one; `debug` adds records for debugging.
 * @throws ReleaseError Usage if the file cannot be opened
 */
export async function createLog(options: {
  readonly file: string | undefined;
  readonly cwd: string;
  readonly debug: boolean;
}): Promise<Logger> {
  const { createLogger } = await import("./adapters/logger.ts");
  return createLogger(options);
}

import { openSync } from "node:fs";
import { resolve } from "node:path";
import type { Logger } from "pino";
import { ReleaseError } from "../domain/errors.ts";
import type { LogFields, LogRecord, Logger as LoggerPort } from "../ports/logger.ts";
import { redact } from "./redact.ts";

const STDERR = 2;

const fromPino = (pino: Logger): LoggerPort => {
  const at =
    (level: "debug" | "info" | "warn" | "error"): LogRecord =>
    (message, fields) =>
      pino[level](redact(fields ?? {}), message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields: LogFields) => fromPino(pino.child(redact(fields))),
  };
};

function openLog(file: string): number {
  try {
    return openSync(file, "a", 0o600);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReleaseError("Usage", `cannot write the log: ${reason}`, "name a file that can be written", { cause });
  }
}

/**
 * A log of JSON lines (pino): level, time (ISO 8601, UTC), msg, and the fields, redacted. Written at once, so that
 * nothing is lost when the process ends. A `file` is appended to, else the lines go to standard error.
 * @throws ReleaseError Usage if the file cannot be opened
 */
export async function createLogger(options: {
  readonly file: string | undefined;
  readonly cwd: string;
  readonly debug: boolean;
}): Promise<LoggerPort> {
  const dest = options.file === undefined ? STDERR : openLog(resolve(options.cwd, options.file));
  const { pino } = await import("pino"); // only who asks for a log pays for its library
  return fromPino(
    pino(
      {
        level: options.debug ? "debug" : "info",
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (level) => ({ level }) },
      },
      pino.destination({ dest, sync: true }),
    ),
  );
}

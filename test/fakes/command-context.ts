import type { ExitCode } from "../../builders/contract/build-failure.ts";
import type { ProgressEvent } from "../../builders/contract/progress.ts";
import type { CommandContext } from "../../controller/commands/command.ts";
import type { LogFields, Logger } from "../../controller/ports/logger.ts";

/** What a command did with its context. */
export type Recorded = {
  /** text printed so far, each call ending in a newline */
  stdout: string;
  stderr: string;
  exitCode: ExitCode;
  readonly events: ProgressEvent[];
  readonly logged: { readonly level: string; readonly message: string; readonly fields: LogFields }[];
};

/** A context for tests of one command: nothing reaches the process; `recorded` shows what it did. */
export function fakeCommandContext(given: Partial<CommandContext> = {}): {
  readonly context: CommandContext;
  readonly recorded: Recorded;
} {
  const recorded: Recorded = { stdout: "", stderr: "", exitCode: 0, events: [], logged: [] };
  const line = (text: string) => (text.endsWith("\n") ? text : `${text}\n`);
  const logger = (base: LogFields): Logger => {
    const write = (level: string) => (message: string, fields?: LogFields) => {
      recorded.logged.push({ level, message, fields: { ...base, ...fields } });
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (fields) => logger({ ...base, ...fields }),
    };
  };
  const context: CommandContext = {
    stdout: (text) => {
      recorded.stdout += line(text);
    },
    stderr: (text) => {
      recorded.stderr += line(text);
    },
    report: (event) => recorded.events.push(event),
    log: logger({}),
    signal: new AbortController().signal,
    cwd: process.cwd(),
    env: {},
    isTerminal: false,
    exitCode: (code) => {
      recorded.exitCode = code;
    },
    ...given,
  };
  return { context, recorded };
}

import { isatty } from "node:tty";
import { inspect } from "node:util";
import type { Report } from "../../builders/contract/progress.ts";
import { readGlobalOptions, runProgram } from "./program.ts";
import type { CommandEntry } from "./table.ts";
import { type Logger, silentLogger } from "../ports/logger.ts";
import { noProgress } from "../ports/progress-view.ts";

/** What a shell reports of a program that a signal ended: 128 + its number (signal(7)). */
const SIGNAL_EXIT = { SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const;
type Signal = keyof typeof SIGNAL_EXIT;

/** Nothing is left that could ever settle the command's promise; node would end with 0. */
const STUCK =
  "error: the command waits for something that can no longer happen\n  → this is a bug in imgrel: please report it";

/**
 * Runs the command that the arguments (without node and script) name, to the end of the process: the one place that
 * touches its streams and signals. What only some runs need is imported where they need it, so that `--help` stays fast.
 */
export async function runProcess(argv: readonly string[], commands: readonly CommandEntry[]): Promise<never> {
  const options = readGlobalOptions(argv);
  const keepsLog = options.log || commands.some(({ name, logs }) => name === options.command && logs === true);
  const logAlone = keepsLog && options.logFile === undefined;
  const usesCommand = commands.some(({ name }) => argv.includes(name));
  const view = logAlone || !usesCommand ? noProgress : await (await import("../wiring.ts")).createProgressView();
  let log: Logger = silentLogger;
  let exitCode = 0;
  let stoppedBy: Signal | undefined;
  let ended = false;

  const stop = new AbortController();
  const stopFor = (signal: Signal) => {
    stoppedBy ??= signal;
    stop.abort(new DOMException(`stopped by ${signal}`, "AbortError"));
  };
  let outputError: Error | undefined;
  const noteOutputError = (error: NodeJS.ErrnoException | null | undefined) => {
    if (error?.code === "EPIPE")
      stopFor("SIGPIPE"); // the reader went away, as `head` does
    else outputError ??= error ?? undefined;
  };
  const write = (stream: NodeJS.WriteStream, text: string) =>
    view.aside(() => stream.write(text.endsWith("\n") ? text : `${text}\n`));
  const stdout = (text: string) => {
    if (stoppedBy !== "SIGPIPE") write(process.stdout, text);
  };
  const stderr = (text: string) => (logAlone ? log.info("message", { text }) : write(process.stderr, text));
  const report: Report = (event) => {
    if (event.event === "action") log.debug("progress", event);
    else log.info("progress", event);
    view.report(event);
  };

  const fail = async (error: unknown) => {
    if (stoppedBy !== undefined) {
      exitCode = SIGNAL_EXIT[stoppedBy];
      log.warn("command stopped", { signal: stoppedBy, error });
      if (stoppedBy !== "SIGPIPE" && !logAlone) stderr(`stopped by ${stoppedBy}`);
      return;
    }
    const { failureOf, failureText } = await import("./failure.ts");
    const failure = failureOf(error);
    exitCode = failure.exitCode;
    log.error("command failed", { ...failure, error });
    if (logAlone) return;
    stderr(failureText(failure));
    const hasMore = failure.bug || (error instanceof Error && error.cause !== undefined);
    if (options.verbose && hasMore) stderr(inspect(error));
  };
  const end = async (): Promise<never> => {
    view.close();
    await new Promise<void>((written) =>
      process.stdout.write("", (error) => {
        noteOutputError(error);
        written();
      }),
    );
    if (outputError !== undefined && exitCode === 0) await fail(outputError);
    log.info("command ended", { exitCode });
    ended = true;
    process.exit(exitCode);
  };

  process.stdout.on("error", noteOutputError);
  process.stderr.on("error", () => undefined); // nobody is left to be told
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) {
        ended = true;
        view.close();
        process.exit(SIGNAL_EXIT[signal]);
      }
      if (!logAlone) stderr(`stopping after ${signal}; a second one ends at once`);
      stopFor(signal);
    });
  }
  const failAndEnd = async (error: unknown) => {
    view.close();
    await fail(error);
    return end();
  };
  process.on("uncaughtException", (error) => void failAndEnd(error));
  process.on("exit", () => {
    if (ended) return;
    process.exitCode = stoppedBy === undefined ? 1 : SIGNAL_EXIT[stoppedBy];
    if (stoppedBy === undefined) stderr(STUCK);
  });

  try {
    if (keepsLog) {
      const { createLog } = await import("../wiring.ts");
      log = await createLog({ file: options.logFile, cwd: process.cwd(), debug: options.verbose });
    }
    await runProgram(
      argv,
      {
        stdout,
        stderr,
        report,
        log,
        signal: stop.signal,
        cwd: process.cwd(),
        env: process.env,
        isTerminal: isatty(1),
        exitCode: (code) => {
          exitCode = code;
        },
      },
      commands,
    );
  } catch (error) {
    return failAndEnd(error);
  }
  return end();
}

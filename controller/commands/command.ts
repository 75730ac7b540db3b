import { type Command, Option } from "commander";
import type { ExitCode } from "../../builders/contract/build-failure.ts";
import type { Report } from "../../builders/contract/progress.ts";
import type { Logger } from "../ports/logger.ts";

/** What a command gets from the outside; it touches nothing else of the process. */
export type CommandContext = {
  /** prints whole lines of the command's result; a missing final newline is added */
  readonly stdout: (text: string) => void;
  /** prints whole lines for people beside the result, such as a hint; a missing final newline is added */
  readonly stderr: (text: string) => void;
  /** progress of steps: a live table on a terminal, lines elsewhere */
  readonly report: Report;
  readonly log: Logger;
  /** fires on SIGINT or SIGTERM: stop what runs and throw `signal.reason` */
  readonly signal: AbortSignal;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** whether standard output is a terminal */
  readonly isTerminal: boolean;
  /** what to exit with once the command has returned, its own report printed; the last call counts */
  readonly exitCode: (code: ExitCode) => void;
};

/**
 * How a command of `controller/commands/<name>.ts` enters the program: the file exports it as `register`, it adds
 * `program.command(…)` with options and an action, and `table.ts` names the file. The action ends in one of these ways:
 *
 * - it returns: exit 0, or what it gave to `context.exitCode`
 * - it throws a ReleaseError or a BuildError: `error: <message>` and `  → <remedy>`, exit with the error's code
 * - it throws after `context.signal` fired: exit 130 (SIGINT) or 143 (SIGTERM)
 * - it throws anything else: a bug of imgrel, said as such, exit 1
 *
 * Values of options are checked with commander's `choices` or an argument parser that throws InvalidArgumentError:
 * exit 2. A command never ends the process itself.
 */
export type RegisterCommand = (program: Command, context: CommandContext) => void;

export type OutputFormat = "text" | "json";

/** `-o text|json`, the same for every command that reports: `options.output` is an {@link OutputFormat}. */
export const outputOption = (): Option =>
  new Option("-o, --output <format>", "how to print the result").choices(["text", "json"]).default("text");

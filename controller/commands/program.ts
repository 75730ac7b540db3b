import { readFileSync } from "node:fs";
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import type { ExitCode } from "../../builders/contract/build-failure.ts";
import type { CommandContext } from "./command.ts";
import type { CommandEntry } from "./table.ts";

/** Options of the program itself; they may stand before or after the command's name. */
export type GlobalOptions = {
  readonly log: boolean;
  readonly logFile: string | undefined;
  readonly verbose: boolean;
  /** the command that runs; undefined: none does, or only its help is asked for */
  readonly command: string | undefined;
};

const globalOptions = (): Option[] => [
  new Option("-v, --verbose", "show where an unexpected error came from; with a log: records for debugging"),
  new Option("--log <format>", "write a log of JSON lines to standard error, progress included").choices(["json"]),
  new Option("--log-file <file>", "append the log to a file instead (implies --log json)"),
];

const PACKAGE = new URL("../../package.json", import.meta.url);

/** EXIT.usage; that file reads zod, for which `--help` has no time. */
const USAGE = 2 satisfies ExitCode;

/** Long names of options that belong to the program: no command can have one of these. */
export const GLOBAL_OPTION_NAMES: readonly string[] = [
  "version",
  "help",
  ...globalOptions().map((option) => option.name()),
];

function bareProgram(): Command {
  const program = new Command("imgrel");
  for (const option of globalOptions()) program.addOption(option);
  return program;
}

/** The program's own options among the arguments; wrong ones are left for {@link runProgram} to refuse. */
export function readGlobalOptions(argv: readonly string[]): GlobalOptions {
  const program = bareProgram()
    .exitOverride()
    .configureOutput({ outputError: () => undefined });
  let command: string | undefined;
  try {
    const { operands, unknown } = program.parseOptions([...argv]);
    if (!unknown.includes("--help") && !unknown.includes("-h")) [command] = operands;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
  }
  const { log, logFile, verbose } = program.opts<{ log?: string; logFile?: string; verbose?: true }>();
  return { log: log !== undefined || logFile !== undefined, logFile, verbose: verbose === true, command };
}

/** commander's message in our form: `error: …`, then what to do. */
function usageText(message: string): string {
  const [, error = message, guess] = /^(.*?)\s*(?:\((Did you mean .*?)\))?\s*$/s.exec(message) ?? [];
  const remedy = guess === undefined ? "imgrel --help lists what there is" : guess.replace(/^Did/, "did");
  return `${error}\n  → ${remedy}`;
}

/**
 * Parses the arguments (without node and script) and runs their command. Wrong usage and help are printed here; wrong
 * usage sets exit code 2.
 * @throws whatever the command throws
 */
export async function runProgram(
  argv: readonly string[],
  context: CommandContext,
  commands: readonly CommandEntry[],
): Promise<void> {
  const { description, version } = JSON.parse(readFileSync(PACKAGE, "utf8")) as {
    description: string;
    version: string;
  };
  const program = bareProgram()
    .description(description)
    .version(version)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .configureOutput({
      writeOut: context.stdout,
      writeErr: context.stderr,
      outputError: (message, write) => write(usageText(message)),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const { name, summary, load } of commands) {
    // a command that no argument names cannot run: its line in the help is all that is needed of it
    if (argv.includes(name)) (await load()).register(program, context);
    else program.command(name);
    program.commands.find((command) => command.name() === name)?.summary(summary);
  }
  try {
    await program.parseAsync([...argv], { from: "user" });
  } catch (error) {
    // an InvalidArgumentError that reaches this place was never printed
    if (!(error instanceof CommanderError) || error instanceof InvalidArgumentError) throw error;
    if (error.exitCode !== 0) context.exitCode(USAGE);
  }
}

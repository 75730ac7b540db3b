import { resolve } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../../builders/contract/build-failure.ts";
import { inspectPath } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { inspectionFaults, inspectionText } from "./inspection-text.ts";

type Options = { readonly files?: true; readonly output: OutputFormat };

async function run(context: CommandContext, path: string, options: Options): Promise<void> {
  const inspection = await inspectPath(resolve(context.cwd, path), {
    files: options.files === true,
    signal: context.signal,
  });
  context.stdout(options.output === "json" ? JSON.stringify(inspection, null, 2) : inspectionText(inspection));
  if (inspectionFaults(inspection).length > 0) context.exitCode(EXIT.failed);
}

/** Adds `imgrel inspect`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("inspect")
    .description(
      "Show what an artifact holds, without mounting anything: partitions, file systems, boot entries, kernel version, " +
        "digests.",
    )
    .argument("<artifact>", "an image, or the folder of an artifact or of a run's output")
    .option("--files", "list every file and package too")
    .addOption(outputOption())
    .addHelpText(
      "after",
      "\nExit code: 0 all is well, 1 something in it is damaged, 2 it is nothing that imgrel makes.",
    )
    .action((path: string, options: Options) => run(context, path, options));
}

import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Command } from "commander";
import { crdFiles } from "../domain/crds/crd-files.ts";
import type { CommandContext } from "./command.ts";

type Options = { readonly write?: string };

/** `imgrel crds`: one stream of YAML for `kubectl apply`, or a file each. */
async function run(context: CommandContext, { write }: Options): Promise<void> {
  const files = crdFiles();
  if (write === undefined) return context.stdout([...files.values()].join("---\n"));
  const folder = resolve(context.cwd, write);
  await mkdir(folder, { recursive: true });
  for (const [name, text] of files) {
    await writeFile(join(folder, name), text);
    context.stdout(join(write, name));
  }
}

/** Registers `imgrel crds`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("crds")
    .description(
      "Prints the CustomResourceDefinitions of the three kinds, to be installed before anything else: " +
        "imgrel crds | kubectl apply --server-side -f -",
    )
    .option("--write <folder>", "write them into a folder instead, a file each")
    .addHelpText("after", "\nExit code: 0 they were printed or written, 1 a file could not be written.")
    .action((options: Options) => run(context, options));
}

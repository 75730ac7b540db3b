import { resolve } from "node:path";
import type { Command } from "commander";
import { ReleaseError } from "../domain/errors.ts";
import { readRecord } from "../domain/read-record.ts";
import {
  byReleaseName,
  type RecordedStatus,
  recordedStatus,
  statusTable,
  unreadableStatus,
} from "../domain/recorded-status.ts";
import { recordPath, RECORDS_FOLDER } from "../domain/record-rules.ts";
import type { SpecTree } from "../ports/spec-repository.ts";
import { openAudited } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";

type Options = { readonly repo: string; readonly output: OutputFormat };

async function statusOf(records: SpecTree, name: string): Promise<RecordedStatus> {
  const files = await records.readDirectory(recordPath(name));
  try {
    return recordedStatus(name, readRecord(name, files));
  } catch (error) {
    if (error instanceof ReleaseError && error.code === "RecordInvalid") return unreadableStatus(name, error.message);
    throw error;
  }
}

/** `imgrel status`: what the records say. Whether that is true is `imgrel verify`'s to find out. */
async function run(context: CommandContext, name: string | undefined, options: Options): Promise<void> {
  const { records } = await openAudited(resolve(context.cwd, options.repo));
  const entries = await records.list(RECORDS_FOLDER);
  const all = entries.filter(({ kind }) => kind === "directory").map((entry) => entry.name);
  if (name !== undefined && !all.includes(name)) {
    throw new ReleaseError("NotFound", `there is no record of ${name}`, "imgrel status lists what there is");
  }
  const wanted = name === undefined ? all : [name];
  const releases = (await Promise.all(wanted.map((one) => statusOf(records, one)))).toSorted(byReleaseName);
  if (options.output === "json") context.stdout(JSON.stringify({ releases }, null, 2));
  else context.stdout(statusTable(releases).join("\n"));
}

/** Adds `imgrel status`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("status")
    .description(
      "Show what the records in git say of each release: whether it is published, its targets, and why not. Nothing is " +
        "verified.",
    )
    .argument("[release]", "name of one release")
    .requiredOption("--repo <folder>", "bare git repository with records")
    .addOption(outputOption())
    .action((name: string | undefined, options: Options) => run(context, name, options));
}

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { EXIT, type ExitCode } from "../../builders/contract/build-failure.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { executeFor } from "../shards/execute.ts";
import { inputsHash, projectFiles } from "../shards/inputs.ts";
import { resultStore } from "../shards/results.ts";
import { runShards, type ShardRun } from "../shards/run-shards.ts";
import type { Shard } from "../shards/shard.ts";
import { SHARDS } from "./shards.ts";

const USAGE = `usage: npm run test:system [-- [--all] [--budget SECONDS] [SHARD...]]
  SHARD       run these shards only: ${SHARDS.map(({ name }) => name).join(", ")}
  --all       run every shard afresh, whatever passed before
  --budget    start no shard that is known to need more than what is left of these seconds
  --packages  print the Debian packages that the shards need, and end`;

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

const VITEST = ["node_modules/vitest/vitest.mjs", "run", "--configLoader", "native", "--project", "system"];

/** Runs the tests of a shard with the caller's environment; what they print goes to the caller. */
function execute(shard: Shard, secondsLeft: number): Promise<ShardRun> {
  const args = [...VITEST, ...shard.files];
  process.stdout.write(`+ node ${args.join(" ")}\n`);
  const { IMGREL_TALLY: _, ...inherited } = process.env;
  const env = Object.entries(inherited).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value] as const],
  );
  return executeFor(secondsLeft, {
    program: process.execPath,
    args,
    cwd: PROJECT,
    env: Object.fromEntries(env),
    onLine: (line, stream) => process[stream].write(`${line}\n`),
  });
}

type Options = {
  readonly all: boolean;
  readonly budgetSeconds: number;
  readonly packages: boolean;
  readonly shards: readonly Shard[];
};

/** The options of the command line, or what is wrong with them. */
function readOptions(): Options | string {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { all: { type: "boolean" }, budget: { type: "string" }, packages: { type: "boolean" } },
    });
    const { all = false, budget, packages = false } = values;
    if (budget !== undefined && !/^\d{1,6}$/.test(budget)) return `--budget takes whole seconds, not '${budget}'`;
    const unknown = positionals.find((asked) => !SHARDS.some(({ name }) => name === asked));
    if (unknown !== undefined) return `there is no shard '${unknown}'`;
    const shards = positionals.length === 0 ? SHARDS : SHARDS.filter(({ name }) => positionals.includes(name));
    return { all, packages, shards, budgetSeconds: budget === undefined ? Number.POSITIVE_INFINITY : Number(budget) };
  } catch (error) {
    if (error instanceof TypeError) return error.message; // what parseArgs says of unknown options
    throw error;
  }
}

async function main(): Promise<ExitCode> {
  const options = readOptions();
  if (typeof options === "string") {
    process.stderr.write(`imgrel: ${options}\n${USAGE}\n`);
    return EXIT.usage;
  }
  if (options.packages) {
    process.stdout.write(`${[...new Set(SHARDS.flatMap((shard) => shard.needs ?? []))].join("\n")}\n`);
    return EXIT.ok;
  }
  return runShards(options.shards, options, {
    results: resultStore(cacheRoot(process.env)),
    inputsHash: async (shard) => inputsHash(PROJECT, await projectFiles(PROJECT), shard),
    execute,
    seconds: () => performance.now() / 1000,
    date: () => new Date().toISOString(),
    print: (line) => process.stdout.write(`${line}\n`),
  });
}

process.exitCode = await main();

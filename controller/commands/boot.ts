import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { BootResult } from "../../builders/contract/boot.ts";
import { EXIT } from "../../builders/contract/build-failure.ts";
import { formatSeconds } from "../domain/format.ts";
import { createJobRunner, createPackageArchive, createPackageStore, openBootArtifact } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { fetchLocks, wantedToolchain } from "./fetch.ts";
import { LOCAL_CLASS, readClass, readToolchainLock } from "./lock-files.ts";

type Options = {
  readonly memory: number;
  readonly timeout: number;
  readonly evidence?: string;
  readonly class: string;
  readonly output: OutputFormat;
};

/** What people read: the proof, or what was expected and the last lines of the console. */
export function bootReport(result: BootResult, evidence: string): string {
  const took = formatSeconds(result.durationSeconds);
  if (result.passed) return `booted in ${took}: ${result.reason}\n${result.agentLine}\nevidence: ${evidence}`;
  const tail = result.consoleTail.map((line) => `  | ${line}`).join("\n");
  return `did not boot (${took}): ${result.reason}\nlast lines of the console:\n${tail}\nevidence: ${evidence}`;
}

async function run(context: CommandContext, path: string, options: Options): Promise<void> {
  const artifact = await openBootArtifact(resolve(context.cwd, path));
  const toolchain = await readToolchainLock("amd64");
  const { spec } = await readClass(resolve(context.cwd, options.class), context.cwd);
  const archive = await createPackageArchive(spec.archives, context.env);
  const { report, signal, env } = context;
  const store = await createPackageStore({ archive, report, env });
  await fetchLocks(store, [wantedToolchain(toolchain)], signal);
  const evidence =
    options.evidence === undefined
      ? await mkdtemp(join(tmpdir(), "imgrel-boot-"))
      : resolve(context.cwd, options.evidence);
  const runner = await createJobRunner({ work: evidence, report, env });
  const result = await runner.boot(
    {
      ...{ arch: artifact.arch, variant: artifact.variant, artifact: artifact.folder, evidence },
      ...{ rootDigest: artifact.rootDigest, memoryMiB: options.memory, timeoutSeconds: options.timeout, toolchain },
    },
    signal,
  );
  context.stdout(options.output === "json" ? JSON.stringify(result, null, 2) : bootReport(result, evidence));
  if (!result.passed) context.exitCode(EXIT.failed);
}

const integer = (least: number, most: number) => (text: string) => {
  const value = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(`write a whole number from ${least} to ${most}`);
};

/** Adds `imgrel boot`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("boot")
    .description(
      "Boot an artifact in QEMU as its users would, with an identity drawn at random. It has booted only if the agent " +
        "reports that identity and the digest that the initramfs computed.",
    )
    .argument("<artifact>", "folder of the artifact, or a file in it")
    .option("--memory <MiB>", "memory of the guest", integer(512, 65_536), 1536)
    .option("--timeout <seconds>", "how long it may take", integer(10, 7200), 600)
    .option("--evidence <folder>", "where serial.log and boot.json go; made anew (default: a temporary folder)")
    .option("--class <file>", "class whose archives the toolchain comes from", LOCAL_CLASS)
    .addOption(outputOption())
    .action((path: string, options: Options) => run(context, path, options));
}

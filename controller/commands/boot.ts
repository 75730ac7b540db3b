import { randomUUID } from "node:crypto";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import {
  BUSES,
  type BootResult,
  type Bus,
  type DiskBoot,
  FIRMWARES,
  type Firmware,
} from "../../builders/contract/boot.ts";
import { EXIT } from "../../builders/contract/build-failure.ts";
import { machineFor, type Medium } from "../../builders/contract/machine.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { diskBootFor } from "../domain/disk-boot.ts";
import { formatSeconds } from "../domain/format.ts";
import { shellWord } from "../domain/shell-word.ts";
import type { BootArtifact } from "../ports/boot-artifact.ts";
import { createJobRunner, createPackageArchive, createPackageStore, openBootArtifact } from "../wiring.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";
import { fetchLocks, wantedToolchain } from "./fetch.ts";
import { LOCAL_CLASS, readClass, readToolchainLock } from "./lock-files.ts";

type Options = {
  readonly firmware?: Firmware;
  readonly bus: Bus;
  readonly print?: true;
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

/** What QEMU gets, and how the builder is asked for it. */
function bootOf({ arch, medium }: BootArtifact, options: Options): { disk: DiskBoot | null; medium: Medium } {
  if (medium.kind === "kernel") return { disk: null, medium };
  const { persistMiB, ...image } = medium;
  const disk = diskBootFor(arch, persistMiB, options);
  return { disk, medium: { ...image, firmware: disk.firmware, bus: disk.bus } };
}

/** The command that boots an image by hand, one line for a POSIX shell. */
function printedCommand(arch: Arch, medium: Medium, memoryMiB: number): string {
  const { program, args } = machineFor({ arch, memoryMiB, identity: randomUUID(), medium });
  return [program, ...args].map(shellWord).join(" ");
}

async function run(context: CommandContext, path: string, options: Options): Promise<void> {
  const artifact = await openBootArtifact(resolve(context.cwd, path));
  const { disk, medium } = bootOf(artifact, options);
  if (options.print === true) {
    context.stdout(printedCommand(artifact.arch, medium, options.memory));
    return;
  }
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
  const { result } = await runner.boot(
    {
      ...{ arch: artifact.arch, variant: artifact.variant, artifact: artifact.folder, evidence },
      ...{ backing: artifact.backing, disk },
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
    .addOption(new Option("--firmware <name>", "what starts a disk (default: bios on amd64)").choices(FIRMWARES))
    .addOption(new Option("--bus <name>", "how a disk is attached").choices(BUSES).default("virtio-blk"))
    .option("--print", "only print the command line of QEMU (10 or later) that boots it")
    .option("--memory <MiB>", "memory of the guest", integer(512, 65_536), 1536)
    .option("--timeout <seconds>", "how long it may take", integer(10, 7200), 600)
    .option("--evidence <folder>", "where serial.log and boot.json go; made anew (default: a temporary folder)")
    .option("--class <file>", "class whose archives the toolchain comes from", LOCAL_CLASS)
    .addOption(outputOption())
    .action((path: string, options: Options) => run(context, path, options));
}

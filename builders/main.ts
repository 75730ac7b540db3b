import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ZodError, z } from "zod";
import { boot } from "./boot/boot.ts";
import { build } from "./build.ts";
import { BootRequest } from "./contract/boot.ts";
import { BuildError, EXIT, exitCodeOf } from "./contract/build-failure.ts";
import { BuildRequest } from "./contract/build-request.ts";
import type { FailureLine } from "./contract/builder-line.ts";
import { digestOf, stableJson } from "./contract/digest.ts";
import { CLOCK_VARIABLE, INSIDE } from "./contract/inside.ts";
import { type BootMessage, type BuildMessage, mayHaveRoutes } from "./contract/pod.ts";
import type { Report } from "./contract/progress.ts";
import { failureMessage } from "./contract/termination-message.ts";
import { ToolchainRequest } from "./contract/toolchain-request.ts";
import { artifactDigest } from "./host/artifact-digest.ts";
import { BOOT_RESULT_FILE } from "./host/builder.ts";
import { diskFull, isDiskFull } from "./host/disk-full.ts";
import { writeFileAtomic } from "./host/files.ts";
import { allowedCpus, logEvidence, readPodRequest } from "./host/pod.ts";
import { MOUNT_POINTS, WORK_FOLDERS } from "./host/sandbox.ts";
import { timed } from "./host/step.ts";
import { markPerturbed, wantedPerturbation } from "./steps/perturb.ts";
import { assertPrivileges } from "./steps/privileges.ts";
import { layOutRepository } from "./steps/repository.ts";
import { installRoot } from "./steps/root.ts";
import { assertSurroundings } from "./steps/surroundings.ts";
import type { StepContext } from "./steps/tool.ts";

const HELP = `usage: node builders/main.ts build | toolchain | boot [--termination-log FILE]

Runs inside a toolchain root, as a sandbox or a pod gives it: reads ${INSIDE.request} and the inputs in
${INSIDE.blobs}, works in ${INSIDE.work}, prints progress as JSON lines, and leaves its results in ${INSIDE.work}.
  build      artifacts and build-manifest.json of one arch, below out/
  toolchain  a toolchain root, in root/
  boot       boots the artifact in ${INSIDE.artifact} with QEMU; leaves ${BOOT_RESULT_FILE} and serial.log
--termination-log: in a pod, where digests of what it did or the failure go, as one line of JSON. A boot pod has its
request in the environment, and its evidence goes into the log.
Exit codes: 0 ok, 1 failed, 2 invalid request, 4 missing tool or input. The last line describes a failure.
`;

const report: Report = (event) => void process.stdout.write(`${JSON.stringify(event)}\n`);

const contextFor = (epoch: number, to: Report = report): StepContext => ({
  work: INSIDE.work,
  blobs: INSIDE.blobs,
  project: INSIDE.project,
  epoch,
  clockOffsetDays: Number(process.env[CLOCK_VARIABLE] ?? "0"),
  report: to,
  signal: new AbortController().signal,
});

/** What whoever starts a sandbox has made already; in a pod the work folder is empty. */
async function makeWorkFolders(): Promise<void> {
  for (const folder of WORK_FOLDERS) await mkdir(join(INSIDE.work, folder), { recursive: true });
}

/** Packages of a toolchain lock, installed, with the mount points that a sandbox needs. */
async function makeToolchain(request: ToolchainRequest): Promise<void> {
  const step = "toolchain";
  const context = contextFor(request.sourceDateEpoch, (event) => report({ ...event, step }));
  await timed(report, step, async () => {
    const repository = await layOutRepository(context, request.lock);
    const outcome = await installRoot(context, request.lock, repository);
    for (const point of MOUNT_POINTS) await mkdir(join(context.work, "root", point), { recursive: true });
    return { ...outcome, value: undefined };
  });
}

/** What a command leaves for the termination message; nothing but of a build, and of a boot in a pod. */
type Told = BuildMessage | BootMessage | undefined;

const COMMANDS: Readonly<Record<string, (request: unknown, inPod: boolean) => Promise<Told>>> = {
  boot: async (request, inPod) => {
    await makeWorkFolders();
    const parsed = BootRequest.parse(request);
    const artifact = inPod ? await artifactDigest(INSIDE.artifact) : undefined;
    await timed(report, "boot", async () => {
      const result = await boot({ request: parsed, artifact: INSIDE.artifact, work: INSIDE.work, report });
      await writeFileAtomic(join(INSIDE.work, BOOT_RESULT_FILE), stableJson(result));
      return { value: undefined };
    });
    if (artifact === undefined) return undefined;
    return logEvidence(INSIDE.work, artifact, (line) => void process.stdout.write(`${line}\n`));
  },
  build: async (request) => {
    await assertPrivileges(mayHaveRoutes(process.env));
    await assertSurroundings();
    await makeWorkFolders();
    const parsed = BuildRequest.parse(request);
    const context = { ...contextFor(parsed.sourceDateEpoch), ...wantedPerturbation(process.env) };
    const manifest = digestOf(stableJson(await build(context, parsed)));
    await markPerturbed(context, parsed.arch);
    return { schemaVersion: 1, manifest, cpus: await allowedCpus() };
  },
  toolchain: async (request) => {
    await assertPrivileges(false);
    await assertSurroundings();
    await makeWorkFolders();
    await makeToolchain(ToolchainRequest.parse(request));
    return undefined;
  },
};

/** Whatever went wrong, as the builder's one kind of failure. */
async function asBuildError(error: unknown): Promise<BuildError> {
  if (error instanceof BuildError) return error;
  if (isDiskFull(error)) return diskFull("builder", [INSIDE.work, join(INSIDE.work, "out")], String(error));
  if (error instanceof ZodError) {
    const message = `the request is not valid: ${z.prettifyError(error)}`;
    return new BuildError({
      code: "InvalidRequest",
      step: "request",
      message,
      remedy: "controller and builder must be of one version",
    });
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const message = `unexpected: ${text.split("\n")[0]}`;
  return new BuildError({
    code: "StepFailed",
    step: "builder",
    message,
    remedy: "read the lines below",
    logTail: text,
  });
}

/** The command line; undefined if it is not one. */
function readArguments(args: readonly string[]) {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { "termination-log": { type: "string" } },
      allowPositionals: true,
    });
    const command = positionals.length === 1 ? COMMANDS[positionals[0] ?? ""] : undefined;
    return command === undefined ? undefined : { command, terminationLog: values["termination-log"] };
  } catch {
    return undefined;
  }
}

async function main(args: readonly string[]): Promise<number> {
  const chosen = readArguments(args);
  if (chosen === undefined) {
    process.stderr.write(HELP);
    return args[0] === "--help" ? EXIT.ok : EXIT.usage;
  }
  const { command, terminationLog } = chosen;
  const tell = async (text: string | undefined) => {
    if (terminationLog !== undefined && text !== undefined) await writeFile(terminationLog, text);
  };
  process.umask(0o022);
  try {
    const told = await command(await readPodRequest(process.env, INSIDE.request), terminationLog !== undefined);
    await tell(told === undefined ? undefined : JSON.stringify(told));
    return EXIT.ok;
  } catch (error) {
    const { failure } = await asBuildError(error);
    process.stdout.write(`${JSON.stringify({ failure } satisfies FailureLine)}\n`);
    await tell(failureMessage(failure)).catch(() => undefined); // the failure may be that it cannot be written
    return exitCodeOf(failure.code);
  }
}

process.exitCode = await main(process.argv.slice(2));

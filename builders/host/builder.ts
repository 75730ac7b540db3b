import { chown, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BuildError, type BuildFailure } from "../contract/build-failure.ts";
import { readBuilderLine } from "../contract/builder-line.ts";
import { stableJson } from "../contract/digest.ts";
import { BOOT_UID, CLOCK_VARIABLE, INSIDE } from "../contract/inside.ts";
import { type PerturbStep, PERTURB_VARIABLE, TEST_VARIABLE } from "../contract/perturbation.ts";
import type { Report } from "../contract/progress.ts";
import { PLAIN, type Variation } from "../contract/variation.ts";
import { exec, type Outcome, PLAIN_ENV } from "./exec.ts";
import { writeFileAtomic } from "./files.ts";
import { outsidePaths } from "./outside-path.ts";
import { type Bind, inSandbox, WORK_FOLDERS } from "./sandbox.ts";

/** One start of the builder: JSON in, JSON out, in a sandbox whose root is the toolchain. */
export type BuilderRun = {
  readonly toolchainRoot: string;
  /** the run's own folder; /w inside. Made if absent */
  readonly work: string;
  readonly cache: string;
  readonly project: string;
  readonly command: "build" | "toolchain" | "boot";
  readonly request: unknown;
  /** further binds, for instance what a boot reads */
  readonly binds?: readonly Bind[];
  /** surroundings; {@link PLAIN} without it */
  readonly variation?: Variation;
  /** what a test wants made wrong in this run */
  readonly perturb?: PerturbStep;
  readonly report: Report;
  readonly signal: AbortSignal;
};

/** Folders of the project that decide what a builder does and puts into images. */
export const BUILDER_CODE = ["builders", "dracut.conf.d", "modules.d"] as const;

/** What of the project the builder sees, read-only. */
export const PROJECT_PARTS = [...BUILDER_CODE, "package.json", "node_modules/zod"];

/** Name of the boot's result in its work folder, a BootResult. */
export const BOOT_RESULT_FILE = "boot.json";

/** Name of the console's log in a boot's work folder. */
export const SERIAL_LOG_FILE = "serial.log";

const unexplained = ({ exitCode, tail }: Outcome): BuildFailure => ({
  code: "StepFailed",
  step: "builder",
  message: `the builder ended with code ${exitCode} and did not say why`,
  remedy: "read the lines below; 137 means that it was killed, mostly for want of memory",
  logTail: tail,
});

/**
 * Runs the builder to its end and forwards its progress.
 * @throws BuildError with the builder's own failure; AbortError if `signal` fires
 */
export async function runBuilder(run: BuilderRun): Promise<Outcome> {
  const rights = run.command === "boot" ? "boot" : "build";
  const variation = run.variation ?? PLAIN;
  const owner = rights === "boot" ? BOOT_UID : variation.workOwner;
  for (const folder of ["", ...WORK_FOLDERS]) {
    await mkdir(join(run.work, folder), { recursive: true });
    await chown(join(run.work, folder), owner, owner);
  }
  const request = join(run.work, "request.json");
  await writeFileAtomic(request, stableJson(run.request));
  const command = inSandbox(
    {
      rights,
      root: run.toolchainRoot,
      work: run.work,
      binds: [
        ...PROJECT_PARTS.map((part) => ({ source: join(run.project, part), target: `${INSIDE.project}/${part}` })),
        { source: process.execPath, target: INSIDE.node },
        { source: join(run.cache, "blobs"), target: INSIDE.blobs },
        { source: request, target: INSIDE.request },
        ...(run.binds ?? []),
      ],
      variation,
      env: {
        ...PLAIN_ENV,
        ...variation.noise,
        TZ: variation.timeZone,
        LC_ALL: variation.locale,
        LANG: variation.locale,
        [CLOCK_VARIABLE]: String(variation.clockOffsetDays),
        ...(run.perturb === undefined ? {} : { [PERTURB_VARIABLE]: run.perturb, [TEST_VARIABLE]: "1" }),
        HOME: INSIDE.work,
        TMPDIR: `${INSIDE.work}/tmp`,
      },
    },
    INSIDE.node,
    [`${INSIDE.project}/builders/main.ts`, run.command],
  );
  const failures: BuildFailure[] = [];
  const outcome = await exec({
    ...command,
    signal: run.signal,
    onLine: (line, stream) => {
      const read = stream === "stdout" ? readBuilderLine(line) : undefined;
      if (read === undefined) return;
      if ("failure" in read) failures.push(read.failure);
      else run.report(read);
    },
  });
  if (outcome.exitCode === 0) return outcome;
  const failure = failures.at(-1) ?? unexplained(outcome);
  const place = { work: run.work, inMemory: variation.workFileSystem === "memory" };
  const shown = (text: string) => outsidePaths(text, place);
  throw new BuildError({ ...failure, message: shown(failure.message), remedy: shown(failure.remedy) });
}

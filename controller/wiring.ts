import { fileURLToPath } from "node:url";
import type { Report } from "../builders/contract/progress.ts";
import { cacheRoot } from "../builders/host/cache.ts";
import type { BootArtifact } from "./adapters/local/boot-artifact.ts";
import type { JobRunner } from "./ports/job-runner.ts";
import type { Logger } from "./ports/logger.ts";
import type { ArchiveDefinition, PackageArchive } from "./ports/package-archive.ts";
import type { ProgressView } from "./ports/progress-view.ts";

// Each function here imports its adapter when it is called: a command pays only for what it uses.

/** Progress on standard error, in the form that fits it: a table on a terminal, lines elsewhere. */
export async function createProgressView(): Promise<ProgressView> {
  const { createProgress } = await import("./adapters/local/progress.ts");
  return createProgress(process.stderr, process.env);
}

/**
 * A log of JSON lines, appended to `file`, or on standard error without one; `debug` adds records for debugging.
 * @throws ReleaseError Usage if the file cannot be opened
 */
export async function createLog(options: {
  readonly file: string | undefined;
  readonly cwd: string;
  readonly debug: boolean;
}): Promise<Logger> {
  const { createLogger } = await import("./adapters/logger.ts");
  return createLogger(options);
}

/** The package archives of a class, read by this machine's apt. `env`: only its proxy variables count. */
export async function createPackageArchive(
  archives: Readonly<Record<string, ArchiveDefinition>>,
  env: Readonly<Record<string, string | undefined>>,
): Promise<PackageArchive> {
  const { createAptArchive } = await import("./adapters/archive/package-archive.ts");
  const keyrings = fileURLToPath(new URL("../builders/keyrings", import.meta.url));
  return createAptArchive({ archives, keyrings, env });
}

/** Runs of the builder on this machine, below `work`; inputs and toolchains come from the cache. */
export async function createJobRunner(options: {
  readonly work: string;
  readonly report: Report;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<JobRunner> {
  const { localJobRunner } = await import("./adapters/local/job-runner.ts");
  const project = fileURLToPath(new URL("..", import.meta.url));
  return localJobRunner({ work: options.work, cache: cacheRoot(options.env), project, report: options.report });
}

/**
 * An artifact's folder, recognised and its hashes checked.
 * @throws ReleaseError NotFound, Usage or VerificationFailed
 */
export async function openBootArtifact(path: string): Promise<BootArtifact> {
  const { openArtifact } = await import("./adapters/local/boot-artifact.ts");
  return openArtifact(path);
}

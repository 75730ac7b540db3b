import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Inspection } from "../builders/contract/inspection.ts";
import type { Report } from "../builders/contract/progress.ts";
import type { MachineFacts } from "../builders/contract/variation.ts";
import { cacheRoot } from "../builders/host/cache.ts";
import type { ProcessIdentity } from "../builders/host/process-identity.ts";
import type { BootArtifact } from "./adapters/local/boot-artifact.ts";
import { perturbationOf } from "./domain/perturbation.ts";
import type { SpecFiles } from "./domain/spec-files.ts";
import type { Comparator } from "./ports/comparator.ts";
import type { ArchStateStore } from "./ports/arch-state.ts";
import type { JobRunner } from "./ports/job-runner.ts";
import type { Logger } from "./ports/logger.ts";
import type { ArchiveDefinition, PackageArchive } from "./ports/package-archive.ts";
import type { PackageStore } from "./ports/package-store.ts";
import type { ProgressView } from "./ports/progress-view.ts";
import type { SpecRepository } from "./ports/spec-repository.ts";

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

/**
 * Runs of the builder on this machine, below `work`; inputs and toolchains come from the cache.
 * @throws ReleaseError Usage if the environment asks for a wrong run by accident
 */
export async function createJobRunner(options: {
  readonly work: string;
  readonly report: Report;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<JobRunner> {
  const { localJobRunner } = await import("./adapters/local/job-runner.ts");
  const perturbation = perturbationOf(options.env);
  const project = fileURLToPath(new URL("..", import.meta.url));
  const { work, report } = options;
  return localJobRunner({ work, cache: cacheRoot(options.env), project, perturbation, report });
}

/** Compares runs whose output lies on this machine. */
export async function createComparator(options: { readonly report: Report }): Promise<Comparator> {
  const { localComparator } = await import("./adapters/local/comparator.ts");
  return localComparator(options);
}

/**
 * An artifact's folder, recognised and its hashes checked.
 * @throws ReleaseError NotFound, Usage or VerificationFailed
 */
export async function openBootArtifact(path: string): Promise<BootArtifact> {
  const { openArtifact } = await import("./adapters/local/boot-artifact.ts");
  return openArtifact(path);
}

/**
 * What an artifact holds, read without mounting it. `path` is absolute.
 * @throws ReleaseError NotFound; BuildError if it is nothing that imgrel makes, or damaged
 */
export async function inspectPath(
  path: string,
  options: { readonly files: boolean; readonly signal: AbortSignal },
): Promise<Inspection> {
  const inspector = await import("./adapters/local/inspect-artifact.ts");
  return inspector.inspectPath(path, options);
}

/**
 * The packages of locks in this user's cache, downloaded from where `archive` says they are. `env`: where the cache is.
 */
export async function createPackageStore(options: {
  readonly archive: PackageArchive;
  readonly report: Report;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Promise<PackageStore> {
  const store = await import("./adapters/archive/package-store.ts");
  return store.createPackageStore({ archive: options.archive, cache: cacheRoot(options.env), report: options.report });
}

/** Where the local process keeps its repository, and the branch that holds specs and locks. */
const SPEC_REPOSITORY = { folder: "repository.git", branch: "main" } as const;

/**
 * The local process's own repository in its state folder, an absolute path; made on first use.
 * @throws ReleaseError RepositoryUnusable, ToolMissing
 */
export async function openRepository(stateDirectory: string): Promise<SpecRepository> {
  const { openSpecRepository } = await import("./adapters/git/spec-repository.ts");
  return openSpecRepository({
    directory: join(stateDirectory, SPEC_REPOSITORY.folder),
    branch: SPEC_REPOSITORY.branch,
    author: { name: "imgrel", email: "imgrel@localhost" },
  });
}

/**
 * Each text that a release.yaml of a checkout had in the commits of its git work tree, and of the local process's
 * repository where there is one. Paths are absolute.
 * @throws ReleaseError RepositoryUnusable, ToolMissing
 */
export async function pastReleaseTexts(options: {
  readonly file: string;
  /** its path in the local process's repository */
  readonly committedAs: string;
  readonly stateDirectory: string;
}): Promise<readonly Uint8Array[]> {
  const { contentsInRepository, contentsInWorkTree } = await import("./adapters/git/past-contents.ts");
  const repository = join(options.stateDirectory, SPEC_REPOSITORY.folder);
  const found = await Promise.all([
    contentsInWorkTree(options.file),
    contentsInRepository(repository, SPEC_REPOSITORY.branch, options.committedAs),
  ]);
  return found.flat();
}

/** A release's folder in a checkout, an absolute path. */
export async function openSpecFolder(folder: string): Promise<{
  readonly read: () => Promise<SpecFiles>;
  readonly write: (files: ReadonlyMap<string, string>) => Promise<void>;
}> {
  const { readSpecFolder, writeSpecFiles } = await import("./adapters/local/spec-folder.ts");
  return { read: () => readSpecFolder(folder), write: (files) => writeSpecFiles(folder, files) };
}

/**
 * Runs `work` as the only process in a state folder (state-lock.ts). `onWait` gets the process ID of another one there;
 * builders, machines and git locks of one that was killed there are ended and removed first.
 */
export async function inState<T>(
  folder: string,
  signal: AbortSignal,
  onWait: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  const { withStateLock } = await import("./adapters/local/state-lock.ts");
  const onTakeover = async (gone: ProcessIdentity) => {
    const { endOrphans } = await import("../builders/host/orphans.ts");
    const { removeStaleLocks } = await import("./adapters/git/stale-locks.ts");
    await endOrphans(gone, signal);
    await removeStaleLocks(join(folder, SPEC_REPOSITORY.folder));
  };
  return withStateLock(folder, signal, { onWait, onTakeover }, work);
}

/** What was proven of one arch, kept in its folder. */
export async function openArchState(folder: string): Promise<ArchStateStore> {
  const { localArchState } = await import("./adapters/local/arch-state.ts");
  return localArchState(folder);
}

/** What runs can be varied by on this machine. */
export async function readMachineFacts(): Promise<MachineFacts> {
  const { machineFacts } = await import("./adapters/local/machine-facts.ts");
  return machineFacts();
}

import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Inspection } from "../builders/contract/inspection.ts";
import type { Report } from "../builders/contract/progress.ts";
import type { Arch } from "../builders/contract/variant.ts";
import type { MachineFacts } from "../builders/contract/variation.ts";
import { cacheRoot } from "../builders/host/cache.ts";
import type { ProcessIdentity } from "../builders/host/process-identity.ts";
import type { InputsImageOptions } from "./adapters/image/inputs-image.ts";
import type { MadeImage } from "./adapters/image/made-image.ts";
import type { OwnImage, OwnImagesOptions } from "./adapters/image/own-images.ts";
import type { RepositoryPlace } from "./adapters/git/repository-at.ts";
import type { RunFile, RunFolders } from "./adapters/kubernetes/run-files.ts";
import type { BootArtifact } from "./adapters/local/boot-artifact.ts";
import { LOCAL_PLACES } from "./domain/local-places.ts";
import { perturbationOf } from "./domain/perturbation.ts";
import type { RegistryAccess } from "./domain/jobs/publish-job.ts";
import type { SpecFiles } from "./domain/spec-files.ts";
import type { Comparator } from "./ports/comparator.ts";
import type { ArchStateStore } from "./ports/arch-state.ts";
import type { JobRunner } from "./ports/job-runner.ts";
import type { Logger } from "./ports/logger.ts";
import type { ArchiveDefinition, PackageArchive } from "./ports/package-archive.ts";
import type { PackageStore } from "./ports/package-store.ts";
import type { ProgressView } from "./ports/progress-view.ts";
import { RECORDS_BRANCH, type SourceSpec } from "./domain/source.ts";
import type { ArtifactStore } from "./ports/artifact-store.ts";
import type { AuditedRepository } from "./ports/audited-repository.ts";
import type { BundleVerifier, TrustedSigner } from "./ports/bundle-verifier.ts";
import type { RecordRepository } from "./ports/record-repository.ts";
import type { Signer } from "./ports/signer.ts";
import type { SeenIndices } from "./ports/seen-indices.ts";
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

/** The branch of the local process's repository that holds specs and locks. */
const SPEC_BRANCH = "main";
const LOCAL_AUTHOR = { name: "imgrel", email: "imgrel@localhost" };

/** How references to what the local process publishes in its own folder begin: nobody can pull them from elsewhere. */
const LOCAL_REPOSITORY = "local";

/** Where the local process finds specs and writes records. */
export type RepositoryChoice = {
  /** absolute path */
  readonly stateDirectory: string;
  /** a repository that others write too, as a URL or a path; left out: its own, in the state folder */
  readonly location?: string;
  readonly cwd: string;
};

const placeOf = ({ stateDirectory, location, cwd }: RepositoryChoice): RepositoryPlace =>
  location === undefined
    ? { kind: "own", directory: join(stateDirectory, LOCAL_PLACES.repository) }
    : { kind: "remote", location, cwd, allowHttp: false, mirrors: join(stateDirectory, "mirrors") };

/**
 * The repository with the specs: the local process's own, made on first use, or another, whose specs people commit.
 * @throws ReleaseError RepositoryUnusable, ToolMissing; of another repository also RepositoryUnavailable, Unauthorized
 */
export async function openRepository(choice: RepositoryChoice): Promise<SpecRepository> {
  const { openRepositoryAt } = await import("./adapters/git/repository-at.ts");
  const { specs } = await openRepositoryAt(placeOf(choice), {
    ...{ specBranch: SPEC_BRANCH, recordsBranch: RECORDS_BRANCH, committer: { author: LOCAL_AUTHOR } },
  });
  return specs;
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
  const repository = join(options.stateDirectory, LOCAL_PLACES.repository);
  const found = await Promise.all([
    contentsInWorkTree(options.file),
    contentsInRepository(repository, SPEC_BRANCH, options.committedAs),
  ]);
  return found.flat();
}

/** Where a release is published, and where its inputs are kept. */
export type Stores = { readonly images: ArtifactStore; readonly inputs: ArtifactStore };

/** Where the local process publishes. */
export type RegistryChoice = {
  /** absolute path */
  readonly stateDirectory: string;
  /** absolute path of a folder, or `<host>[:<port>]/<path>`, below which `images` and `inputs` are; left out: a folder */
  readonly registry?: string;
  /** file with certificates in PEM that a registry's must come from, an absolute path */
  readonly caFile?: string;
  /** the class's: what calls may reach */
  readonly network: { readonly allowPrivate: boolean; readonly allowHTTP: boolean };
  /** where Docker's configuration is, for credentials */
  readonly env: Readonly<Record<string, string | undefined>>;
};

/**
 * The stores of the local process: a folder that holds an OCI image layout, or repositories of a registry.
 * @throws ReleaseError Usage if it is neither; InputMissing for a certificate file that cannot be read
 */
export async function openStores(choice: RegistryChoice): Promise<Stores> {
  const { stateDirectory, registry = join(stateDirectory, LOCAL_PLACES.registry), caFile, network, env } = choice;
  if (isAbsolute(registry)) {
    const { openLayout } = await import("./adapters/oci/layout.ts");
    // one layout holds both: tags of inputs and of artifacts cannot be the same
    const open = (part: string) => openLayout({ directory: registry, name: `${LOCAL_REPOSITORY}/${part}` });
    return { images: open("images"), inputs: open("inputs") };
  }
  const { openRegistry } = await import("./adapters/oci/registry.ts");
  const { readCertificates, readDockerConfig } = await import("./adapters/local/registry-files.ts");
  const ca = caFile === undefined ? {} : { ca: await readCertificates(caFile) };
  const credentials = () => readDockerConfig(env);
  const open = (part: string) => openRegistry({ repository: `${registry}/${part}`, network, credentials, ...ca });
  return { images: open("images"), inputs: open("inputs") };
}

/**
 * A repository as a pod reaches it: credentials are in the folder that `DOCKER_CONFIG` names.
 * @throws ReleaseError Usage if it is not `<host>[:<port>]/<path>`
 */
export async function openPodRegistry(
  { repository, access }: { readonly repository: string; readonly access: RegistryAccess },
  env: Readonly<Record<string, string | undefined>>,
): Promise<ArtifactStore> {
  const { openRegistry } = await import("./adapters/oci/registry.ts");
  const { readDockerConfig } = await import("./adapters/local/registry-files.ts");
  const { ca, ...network } = access;
  const credentials = () => readDockerConfig(env);
  return openRegistry({ repository, network, credentials, ...(ca === null ? {} : { ca }) });
}

/**
 * The inputs of one arch as an image (adapters/image/inputs-image.ts).
 * @throws ReleaseError InputMissing, InputDigestMismatch
 */
export async function makeInputsImage(options: InputsImageOptions): Promise<MadeImage> {
  const { inputsImage } = await import("./adapters/image/inputs-image.ts");
  return inputsImage(options);
}

/** Every file that a run of one arch left in a pod's volume, hashed. */
export async function listRunFiles(folders: RunFolders, arch: Arch, signal: AbortSignal): Promise<RunFile[]> {
  const files = await import("./adapters/kubernetes/run-files.ts");
  return files.listRunFiles(folders, arch, signal);
}

/** Who signs for the local process. */
export type LocalSigning = {
  readonly signer: Signer;
  /** knows that signer, and nobody else */
  readonly verifier: BundleVerifier;
};

/**
 * The local process' own key, made on first use.
 * @throws ReleaseError KeyUnusable
 */
export async function openSigning(stateDirectory: string, passphraseFile?: string): Promise<LocalSigning> {
  const { openKeySigner } = await import("./adapters/signing/key-signer.ts");
  const { createBundleVerifier } = await import("./adapters/signing/bundle-verifier.ts");
  const folder = join(stateDirectory, LOCAL_PLACES.keys);
  const signer = await openKeySigner({ folder, ...(passphraseFile === undefined ? {} : { passphraseFile }) });
  const verifier = createBundleVerifier({ signers: [{ ...signer.identity, id: "local" }], now: () => new Date() });
  return { signer, verifier };
}

/** A verifier that knows exactly these signers. */
export async function createVerifier(signers: readonly TrustedSigner[]): Promise<BundleVerifier> {
  const { createBundleVerifier } = await import("./adapters/signing/bundle-verifier.ts");
  return createBundleVerifier({ signers, now: () => new Date() });
}

/**
 * The policy of the local process, written once, and its SHA-256: whoever verifies keeps both apart from the repository.
 * @param text what it says if it is not there yet
 */
export async function keepPolicy(stateDirectory: string, text: string): Promise<{ path: string; text: string }> {
  const { readFile } = await import("node:fs/promises");
  const { writeFileOnce } = await import("../builders/host/files.ts");
  const path = join(stateDirectory, LOCAL_PLACES.policy);
  await writeFileOnce(path, text);
  return { path, text: await readFile(path, "utf8") };
}

/**
 * The branch of records in the same repository; its commits are signed with an SSH key of the local process.
 * @throws ReleaseError as {@link openRepository}; KeyUnusable
 */
export async function openRecords(choice: RepositoryChoice, source: SourceSpec): Promise<RecordRepository> {
  const { openRepositoryAt } = await import("./adapters/git/repository-at.ts");
  const { ensureSshKey } = await import("./adapters/signing/ssh-key.ts");
  const { author, branch: recordsBranch = RECORDS_BRANCH } = source.writeBack;
  const { privateKeyPath: signingKey } = await ensureSshKey(join(choice.stateDirectory, LOCAL_PLACES.keys));
  const { records } = await openRepositoryAt(placeOf(choice), {
    ...{ specBranch: source.branch, recordsBranch, committer: { author, signingKey } },
  });
  return records;
}

/**
 * A repository that is judged, in a folder of this machine (absolute path).
 * @throws ReleaseError NotFound, RepositoryUnusable, ToolMissing
 */
export async function openAudited(directory: string): Promise<AuditedRepository> {
  const { openAuditedRepository } = await import("./adapters/git/audited-repository.ts");
  return openAuditedRepository(directory, { specs: SPEC_BRANCH, records: RECORDS_BRANCH });
}

/**
 * What this user verified before. `folder`: absolute path; left out: where the user's state is by `env`.
 */
export async function openSeenIndices(
  env: Readonly<Record<string, string | undefined>>,
  folder?: string,
): Promise<SeenIndices> {
  const { localSeenIndices, userStateFolder } = await import("./adapters/local/seen-indices.ts");
  return localSeenIndices(folder ?? userStateFolder(env));
}

/**
 * imgrel's own images of one architecture (adapters/image/own-images.ts). `env`: where the cache is, which has the packages
 * of both locks; `work`: an empty folder for layers.
 */
export async function makeImages(
  options: Omit<OwnImagesOptions, "cache"> & { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<ReadonlyMap<OwnImage, MadeImage>> {
  const { makeOwnImages } = await import("./adapters/image/own-images.ts");
  return makeOwnImages({ ...options, cache: cacheRoot(options.env) });
}

/** The image layout in a folder of this machine (absolute path), as a store of images. */
export async function openImageLayout(directory: string): Promise<ArtifactStore> {
  const { openLayout } = await import("./adapters/oci/layout.ts");
  return openLayout({ directory, name: LOCAL_REPOSITORY });
}

/**
 * Lets `make` fill a fresh folder that then takes the place of an image layout (adapters/image/replace-folder.ts).
 * @throws ReleaseError Usage if something else is at its place
 */
export async function replaceImageLayout<T>(
  folder: string,
  make: (fresh: string, work: string) => Promise<T>,
): Promise<T> {
  const { replaceLayout } = await import("./adapters/image/replace-folder.ts");
  return replaceLayout(folder, make);
}

const PackageJson = z.object({ version: z.string() });

/** imgrel itself: its version, and the commit of its sources; null if they are not as a commit has them. */
export async function readImgrel(): Promise<{ readonly version: string; readonly commit: string | null }> {
  const { readFile } = await import("node:fs/promises");
  const { sourceCommit } = await import("./adapters/git/source-commit.ts");
  const project = fileURLToPath(new URL("..", import.meta.url));
  const { version } = PackageJson.parse(JSON.parse(await readFile(join(project, "package.json"), "utf8")));
  return { version, commit: await sourceCommit(project.replace(/\/$/, "")) };
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
    await removeStaleLocks(join(folder, LOCAL_PLACES.repository));
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

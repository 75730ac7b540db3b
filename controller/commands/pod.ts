import { readFile, writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { BuildError, EXIT } from "../../builders/contract/build-failure.ts";
import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { type FetchMessage, POD, type PublishMessage, readRequest } from "../../builders/contract/pod.ts";
import { manifestPath } from "../domain/comparison.ts";
import { ReleaseError } from "../domain/errors.ts";
import { inputsArchive } from "../domain/inputs-archive.ts";
import { FetchRequest } from "../domain/jobs/fetch-job.ts";
import { tagOf } from "../domain/jobs/object-names.ts";
import { PublishRequest } from "../domain/jobs/publish-job.ts";
import { parseBuildManifest, STAGED, stagedManifest } from "../domain/jobs/staged-run.ts";
import type { ArtifactStore, BlobSource } from "../ports/artifact-store.ts";
import type { PackageStore } from "../ports/package-store.ts";
import { archiveInputs } from "../reconciler/inputs-work.ts";
import { pushArtifact } from "../reconciler/push-artifact.ts";
import { createPackageArchive, createPackageStore, listRunFiles, makeInputsImage, openPodRegistry } from "../wiring.ts";
import type { CommandContext, RegisterCommand } from "./command.ts";
import { fetchLocks, wantedToolchain } from "./fetch.ts";

/** Where a pod's program finds what it needs, and how it reaches others. */
export type PodPlaces = {
  readonly run: { readonly out: string; readonly logs: string };
  /** a busybox that needs no library: it goes into the image with the inputs (docs/images.md) */
  readonly copier: string;
  readonly openRegistry: (request: Pick<PublishRequest, "repository" | "access">) => Promise<ArtifactStore>;
  readonly openPackages: (archives: FetchRequest["archives"]) => Promise<PackageStore>;
};

/**
 * Pushes all that a run left to the staging repository, under one manifest.
 * @throws ReleaseError ManifestMismatch if the run has no manifest of this version; what the store throws
 */
async function publishRun(request: PublishRequest, places: PodPlaces, signal: AbortSignal): Promise<PublishMessage> {
  const { arch, tag, sourceDateEpoch } = request;
  const files = await listRunFiles(places.run, arch, signal);
  const own = files.find(({ title }) => title === `${STAGED.out}${manifestPath(arch)}`);
  if (own === undefined) {
    throw new ReleaseError("ManifestMismatch", `the run left no ${manifestPath(arch)}`, "look at its build Job's log");
  }
  const text = await readFile(own.path, "utf8");
  parseBuildManifest(text);
  const store = await places.openRegistry(request);
  const sources = new Map(files.map(({ digest, path }): [Digest, BlobSource] => [digest, { kind: "file", path }]));
  const staged = await pushArtifact(store, stagedManifest(files, sourceDateEpoch), sources, signal);
  await store.tag(tagOf(tag, staged), staged, signal);
  return { schemaVersion: 1, staged, manifest: digestOf(text) };
}

/**
 * Fetches the inputs of one arch by hash and pushes them: as the archive that a rebuild needs, and as the image that its
 * builds start from.
 * @throws ReleaseError StaleLock if no source has a package any more; what stores throw
 */
async function fetchInputs(request: FetchRequest, places: PodPlaces, signal: AbortSignal): Promise<FetchMessage> {
  const { build, toolchain } = request;
  const packages = await places.openPackages(request.archives);
  const own = { lock: build.lock, what: `${build.release} for ${build.arch}`, remedy: "lock the release anew" };
  await fetchLocks(packages, [own, wantedToolchain(toolchain)], signal);
  const store = await places.openRegistry(request);
  await archiveInputs(store, packages, inputsArchive({ lock: build.lock, toolchain }), signal);
  const pathOf = (sha256: string) => packages.pathOf(sha256);
  const image = await makeInputsImage({ request: build, copier: places.copier, pathOf, signal });
  const digest = await pushArtifact(store, image.manifest, image.sources, signal);
  await store.tag(tagOf(request.tag, digest), digest, signal);
  return { schemaVersion: 1, inputsImage: digest };
}

/**
 * The request of a pod.
 * @throws ReleaseError Usage if there is none, or not one of this version
 */
function podRequest<T>(
  schema: { readonly safeParse: (value: unknown) => { readonly data?: T } },
  env: CommandContext["env"],
): T {
  let request: unknown;
  try {
    request = readRequest(env);
  } catch {
    request = undefined;
  }
  const { data } = schema.safeParse(request);
  if (data !== undefined) return data;
  const message = request === undefined ? "no request stands in the environment" : "the request is not of this version";
  throw new ReleaseError(
    "Usage",
    message,
    "controller and pods must be of one version; a person needs imgrel pod never",
  );
}

/** Whether it may be better a moment later. Of a package that no source has any more a ReleaseError tells. */
const isPassing = (error: unknown): error is ReleaseError | BuildError =>
  error instanceof ReleaseError
    ? error.kind === "transient"
    : error instanceof BuildError && error.failure.code === "InputMissing";

/** Runs a pod's work and tells how it ended. A fault that passes gets an exit code of its own: the Job is repeated. */
async function inPod(context: CommandContext, messageFile: string, work: () => Promise<object>): Promise<void> {
  try {
    await writeFile(messageFile, JSON.stringify(await work()));
  } catch (error) {
    if (!isPassing(error)) throw error;
    context.stderr(`error: ${error.message}`);
    context.exitCode(EXIT.tryAgain);
  }
}

/** Adds `imgrel pod`: what the controller's own image does in pods. */
export function addPod(program: Command, context: CommandContext, places: PodPlaces): void {
  const pod = program
    .command("pod")
    .description("What the controller starts in pods of a cluster; people never need it.");
  const add = <T>(
    name: string,
    description: string,
    schema: Parameters<typeof podRequest<T>>[0],
    work: (request: T, places: PodPlaces, signal: AbortSignal) => Promise<object>,
  ) =>
    pod
      .command(name)
      .description(`${description} The request stands in the environment.`)
      .requiredOption("--termination-log <file>", "where digests of what it did go, as one line of JSON")
      .action(({ terminationLog }: { readonly terminationLog: string }) =>
        inPod(context, terminationLog, async () => work(podRequest(schema, context.env), places, context.signal)),
      );
  add(
    "fetch",
    "Fetch the inputs of a release by hash and push them as an archive and as an image.",
    FetchRequest,
    fetchInputs,
  );
  add("publish", "Push what a run left to the staging repository.", PublishRequest, publishRun);
}

/** Adds `imgrel pod`. */
export const register: RegisterCommand = (program, context) => {
  const { env, report } = context;
  addPod(program, context, {
    run: { out: POD.runOut, logs: POD.runLogs },
    copier: "/usr/bin/busybox",
    openRegistry: (request) => openPodRegistry(request, env),
    openPackages: async (archives) =>
      createPackageStore({ archive: await createPackageArchive(archives, env), report, env }),
  });
};

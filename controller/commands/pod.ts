import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import { EXIT } from "../../builders/contract/build-failure.ts";
import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { POD, type PublishMessage, readRequest } from "../../builders/contract/pod.ts";
import { tellController } from "../../builders/host/pod.ts";
import { manifestPath } from "../domain/comparison.ts";
import { ReleaseError } from "../domain/errors.ts";
import { PublishRequest } from "../domain/jobs/publish-job.ts";
import { parseBuildManifest, STAGED, stagedManifest } from "../domain/jobs/staged-run.ts";
import type { ArtifactStore, BlobSource } from "../ports/artifact-store.ts";
import { pushArtifact } from "../reconciler/push-artifact.ts";
import { listRunFiles, openPodRegistry } from "../wiring.ts";
import type { CommandContext, RegisterCommand } from "./command.ts";

/** Where a pod's program finds the run, and how it reaches registries. */
export type PodPlaces = {
  readonly run: { readonly out: string; readonly logs: string };
  readonly openRegistry: (request: Pick<PublishRequest, "repository" | "access">) => Promise<ArtifactStore>;
};

/**
 * Pushes all that a run left to the staging repository, under one manifest.
 * @throws ReleaseError ManifestMismatch if the run has no manifest of this version; what the store throws
 */
export async function publishRun(
  request: PublishRequest,
  places: PodPlaces,
  signal: AbortSignal,
): Promise<PublishMessage> {
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
  // another attempt has other logs, and no tag is ever moved
  await store.tag(`${tag}-${staged.slice("sha256:".length, "sha256:".length + 12)}`, staged, signal);
  return { schemaVersion: 1, staged, manifest: digestOf(text) };
}

/**
 * The request of a pod.
 * @throws ReleaseError Usage if there is none, or not one of this version
 */
export function podRequest<T>(
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

/** Runs a pod's work and tells how it ended. A fault that passes gets an exit code of its own: the Job is repeated. */
export async function inPod(context: CommandContext, work: () => Promise<object>): Promise<void> {
  try {
    await tellController(context.env, await work());
  } catch (error) {
    if (!(error instanceof ReleaseError) || error.kind !== "transient") throw error;
    context.stderr(`error: ${error.message}\n  → ${error.remedy}`);
    context.exitCode(EXIT.tryAgain);
  }
}

/** Adds `imgrel pod`: what the controller's own image does in pods. */
export function addPod(program: Command, context: CommandContext, places: PodPlaces): void {
  const pod = program
    .command("pod")
    .description("What the controller starts in pods of a cluster; people never need it.");
  pod
    .command("publish")
    .description("Push what a run left to the staging repository, as the request in the environment says.")
    .action(() => inPod(context, () => publishRun(podRequest(PublishRequest, context.env), places, context.signal)));
}

/** Adds `imgrel pod`. */
export const register: RegisterCommand = (program, context) =>
  addPod(program, context, {
    run: { out: POD.runOut, logs: POD.runLogs },
    openRegistry: (request) => openPodRegistry(request, context.env),
  });

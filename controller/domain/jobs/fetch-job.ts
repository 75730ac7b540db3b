import { z } from "zod";
import { BuildRequest } from "../../../builders/contract/build-request.ts";
import { Lock } from "../../../builders/contract/lock.ts";
import type { ClassSpec } from "../class.ts";
import { ReleaseError } from "../errors.ts";
import { jobAround, type JobAttempt, type JobContext } from "./job-frame.ts";
import type { JobManifest } from "./kubernetes-objects.ts";
import { inputsImageTag } from "./object-names.ts";
import { RegistryAccess } from "./publish-job.ts";
import { registryPod } from "./registry-pod.ts";

/** One place of a package archive, as a class names it; a pod has no package tool of a host to ask. */
const FetchSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mirror"), url: z.string() }),
  z.strictObject({ kind: z.literal("snapshot"), urlTemplate: z.string() }),
]);
const FetchArchives = z.record(
  z.string(),
  z.strictObject({ sources: z.array(FetchSource).min(1), keyring: z.string() }),
);
export type FetchArchives = z.infer<typeof FetchArchives>;

/** Asks a fetch pod for the inputs of one arch, by hash: as an archive, and as an image that holds them and the request. */
export const FetchRequest = z.strictObject({
  schemaVersion: z.literal(1),
  /** what will be built: its lock names the inputs */
  build: BuildRequest,
  /** the lock that `build.lock.toolchain` names: a rebuild needs it too */
  toolchain: Lock,
  archives: FetchArchives,
  /** inputs repository, `<host>[:<port>]/<path>` */
  repository: z.string(),
  /** keeps the image from being collected */
  tag: z.string(),
  access: RegistryAccess,
});
export type FetchRequest = z.infer<typeof FetchRequest>;

export type FetchPod = Omit<FetchRequest, "schemaVersion" | "tag">;

/**
 * A class's archives as a pod can reach them.
 * @throws ReleaseError SpecInvalid if an archive is only to be found through a machine's own apt
 */
export function podArchives(archives: ClassSpec["archives"]): FetchArchives {
  const reachable = Object.entries(archives).map(([name, { sources, keyring }]) => {
    const found = sources.filter((source) => source.kind !== "system");
    if (found.length > 0) return [name, { sources: found, keyring }] as const;
    const remedy = "add a source of kind mirror or snapshot: a pod has no apt that somebody set up";
    throw new ReleaseError("SpecInvalid", `the archive ${name} has no source that a pod can reach`, remedy);
  });
  return Object.fromEntries(reachable);
}

/**
 * Fetches by hash and pushes the inputs as an image, which the kubelet of each build pulls by digest. What a pod with
 * network brings is not believed: a build checks the request's digest and every package's hash.
 */
export function fetchJob(context: JobContext, pod: FetchPod, attempt: JobAttempt): JobManifest {
  const { arch } = pod.build;
  const ref = { step: "fetch", arch } as const;
  const request: FetchRequest = { schemaVersion: 1, tag: inputsImageTag(context.identity, arch), ...pod };
  const asked = { image: context.settings.images.controller, request };
  const spec = registryPod(context, ref, request, { volumes: [], volumeMounts: [] });
  return jobAround(context, ref, attempt, asked, spec);
}

import { z } from "zod";
import { BuildRequest } from "../../../builders/contract/build-request.ts";
import { jobAround, type JobAttempt, type JobContext } from "./job-frame.ts";
import type { JobManifest } from "./kubernetes-objects.ts";
import { RegistryAccess } from "./publish-job.ts";
import { registryPod } from "./registry-pod.ts";

/** One place of a package archive, as a class names it; a pod has no package tool of a host to ask. */
const FetchSource = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("mirror"), url: z.string() }),
  z.strictObject({ kind: z.literal("snapshot"), urlTemplate: z.string() }),
]);

/** Asks a fetch pod for the inputs of one arch, by hash, as an image that holds them and the request. */
export const FetchRequest = z.strictObject({
  schemaVersion: z.literal(1),
  /** what will be built: its lock names the inputs */
  build: BuildRequest,
  archives: z.record(z.string(), z.strictObject({ sources: z.array(FetchSource).min(1), keyring: z.string() })),
  /** inputs repository, `<host>[:<port>]/<path>` */
  repository: z.string(),
  access: RegistryAccess,
});
export type FetchRequest = z.infer<typeof FetchRequest>;

/**
 * Fetches by hash and pushes the inputs as an image, which the kubelet of each build pulls by digest. What a pod with
 * network brings is not believed: a build checks the request's digest and every package's hash.
 */
export function fetchJob(context: JobContext, request: FetchRequest, attempt: JobAttempt): JobManifest {
  const ref = { step: "fetch", arch: request.build.arch } as const;
  const asked = { image: context.settings.images.controller, request };
  const spec = registryPod(context, ref, request, { volumes: [], volumeMounts: [] });
  return jobAround(context, ref, attempt, asked, spec);
}

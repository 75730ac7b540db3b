import { z } from "zod";
import { POD, VOLUME } from "../../../builders/contract/pod.ts";
import { Arch } from "../../../builders/contract/variant.ts";
import { jobAround, type JobAttempt, type JobContext } from "./job-frame.ts";
import type { JobManifest } from "./kubernetes-objects.ts";
import { claimName, stagingTag } from "./object-names.ts";
import { registryPod } from "./registry-pod.ts";

/** What registries a pod may speak with, and how. */
export const RegistryAccess = z.strictObject({
  allowPrivate: z.boolean(),
  allowHTTP: z.boolean(),
  /** certificates in PEM that the registry's must come from; null: those of the system */
  ca: z.string().nullable(),
});
export type RegistryAccess = z.infer<typeof RegistryAccess>;

/** Asks a publish pod to push what a run left. */
export const PublishRequest = z.strictObject({
  schemaVersion: z.literal(1),
  arch: Arch,
  /** staging repository, `<host>[:<port>]/<path>` */
  repository: z.string(),
  /** keeps what it pushes from being collected */
  tag: z.string(),
  /** seconds since 1970, of the manifest */
  sourceDateEpoch: z.int().nonnegative(),
  access: RegistryAccess,
});
export type PublishRequest = z.infer<typeof PublishRequest>;

export type PublishPod = Pick<PublishRequest, "arch" | "repository" | "sourceDateEpoch" | "access"> & {
  readonly run: number;
};

/**
 * Pushes what a run left to the staging repository. It has the run's volume read-only and the only credential for
 * that repository.
 */
export function publishJob(context: JobContext, pod: PublishPod, attempt: JobAttempt): JobManifest {
  const { arch, run, repository, sourceDateEpoch, access } = pod;
  const ref = { step: "publish", arch, run } as const;
  const tag = stagingTag(context.identity, arch, run);
  const request: PublishRequest = { schemaVersion: 1, arch, repository, tag, sourceDateEpoch, access };
  const asked = { image: context.settings.images.controller, request };
  const volume = { claimName: claimName(context.identity, arch, run), readOnly: true } as const;
  const spec = registryPod(context, ref, request, {
    volumes: [{ name: "run", persistentVolumeClaim: volume }],
    volumeMounts: [
      { name: "run", mountPath: POD.runOut, subPath: VOLUME.out, readOnly: true },
      { name: "run", mountPath: POD.runLogs, subPath: VOLUME.logs, readOnly: true },
    ],
  });
  return jobAround(context, ref, attempt, asked, spec);
}

import { BOOT_UID, INSIDE } from "../../../builders/contract/inside.ts";
import { POD, requestVariables } from "../../../builders/contract/pod.ts";
import { containerRights, type JobContext, podBase, podRights, variablesOf } from "./job-frame.ts";
import type { Container, PodSpec, Volume } from "./kubernetes-objects.ts";
import type { JobRef } from "./object-names.ts";

/** Enough for a few streams at a time: nothing is held whole. */
const RESOURCES = {
  requests: { cpu: "100m", memory: "256Mi" },
  limits: { memory: "1Gi" },
} as const;

/**
 * Secrets of the build namespace, type kubernetes.io/dockerconfigjson: one may push to the inputs repository, the other
 * to the staging repository. No other Secret is mounted into any pod.
 */
export const REGISTRY_SECRET = { fetch: "imgrel-inputs", publish: "imgrel-staging" } as const;

/**
 * A pod of imgrel's own image that speaks with registries, as uid 65532 without any capability. Which addresses it may
 * reach is for network policies, which know it by its step.
 * @param request what it is asked to do, JSON
 */
export function registryPod(
  { settings }: JobContext,
  ref: Extract<JobRef, { step: "fetch" | "publish" }>,
  request: unknown,
  mounts: { readonly volumes: readonly Volume[]; readonly volumeMounts: Container["volumeMounts"] },
): PodSpec {
  const variables = {
    ...requestVariables(request),
    DOCKER_CONFIG: POD.credentials,
    HOME: INSIDE.work,
    TMPDIR: INSIDE.work,
  };
  return {
    ...podBase(settings, ref.arch),
    // registries may be services of the cluster
    dnsPolicy: "ClusterFirst",
    securityContext: podRights(BOOT_UID),
    containers: [
      {
        ...{
          name: ref.step,
          image: settings.images.controller,
          args: ["pod", ref.step, "--termination-log", POD.message],
          resources: RESOURCES,
        },
        env: variablesOf(variables),
        securityContext: containerRights(),
        volumeMounts: [
          ...mounts.volumeMounts,
          { name: "work", mountPath: INSIDE.work },
          { name: "registry", mountPath: POD.credentials, readOnly: true },
        ],
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
    volumes: [
      ...mounts.volumes,
      { name: "work", emptyDir: {} },
      {
        name: "registry",
        secret: {
          secretName: REGISTRY_SECRET[ref.step],
          defaultMode: 0o444,
          items: [{ key: ".dockerconfigjson", path: "config.json" }],
        },
      },
    ],
  };
}

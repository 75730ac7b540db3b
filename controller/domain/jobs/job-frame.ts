import { canonicalJson, type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { nodeSelector } from "./node-selector.ts";
import { jobLabels } from "./object-labels.ts";
import { jobName, type JobRef, type ReleaseIdentity } from "./object-names.ts";
import type { Container, JobManifest, PodSpec } from "./kubernetes-objects.ts";
import type { JobSettings } from "./job-settings.ts";

/** What every Job of a release is made with. */
export type JobContext = {
  readonly identity: ReleaseIdentity;
  readonly settings: JobSettings;
  /** value of the release's annotation retryAt: a person asks for another try; empty: nobody did */
  readonly retryAt: string;
  /** number of the term of the leader that creates it */
  readonly fencing: number;
};

/** One attempt at a Job, from 1. */
export type JobAttempt = { readonly attempt: number; readonly deadlineSeconds: number };

/** A day: a safety net for what the controller did not collect. */
const TTL_SECONDS = 86_400;

/** How long a pod that is asked to end may take. */
const GRACE_SECONDS = 10;

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Variables of a container. Kubernetes reads `$(NAME)` in a value and takes `$$` for one dollar (core/v1, EnvVar): every
 * dollar is doubled, so that the program gets what stands here.
 */
export const variablesOf = (variables: Readonly<Record<string, string>>): Container["env"] =>
  Object.entries({ PATH, ...variables }).map(([name, value]) => ({ name, value: value.replaceAll("$", "$$$$") }));

/** Rights of a container. Without `add` it has no capability at all. */
export const containerRights = (add: readonly string[] = []): Container["securityContext"] => ({
  ...{ allowPrivilegeEscalation: false, privileged: false, readOnlyRootFilesystem: true },
  capabilities: { drop: ["ALL"], ...(add.length === 0 ? {} : { add }) },
});

/** Rights of a pod that runs as this user, which is its group too. */
export const podRights = (uid: number): PodSpec["securityContext"] => ({
  ...{ runAsUser: uid, runAsGroup: uid, runAsNonRoot: uid !== 0 },
  seccompProfile: { type: "RuntimeDefault" },
});

/** What all pods have in common: no token, no service variables, nodes of the right architecture. */
export const podBase = (settings: JobSettings, arch: JobRef["arch"]) =>
  ({
    restartPolicy: "Never",
    serviceAccountName: settings.serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: GRACE_SECONDS,
    nodeSelector: nodeSelector(settings, arch),
  }) as const;

/** A pod without network, as far as the cluster has a RuntimeClass for that. */
export const withoutNetwork = (settings: JobSettings) =>
  ({
    dnsPolicy: "Default",
    ...(settings.runtimeClassName === undefined ? {} : { runtimeClassName: settings.runtimeClassName }),
  }) as const;

/**
 * What the attempts at a release's Jobs have in common that count together. Who asks for another try, or gives Jobs more
 * of what they lacked, begins a new round: failures of earlier ones no longer count.
 */
export function roundOf({ settings, retryAt }: Pick<JobContext, "settings" | "retryAt">): Digest {
  const { resources, maxResources, deadlineSeconds, retryBudgetSeconds } = settings;
  return digestOf(canonicalJson({ retryAt, resources, maxResources, deadlineSeconds, retryBudgetSeconds }));
}

/**
 * A Job around a pod. A disrupted pod is replaced by the cluster and does not count; any other failure ends the Job, and
 * the controller decides about the next attempt (release-api.md 2.2, "Job conventions").
 * @param asked everything that decides what the Job does, but not how much it may use: its digest is the Job's label
 */
export function jobAround(
  context: JobContext,
  ref: JobRef,
  { attempt, deadlineSeconds }: JobAttempt,
  asked: unknown,
  spec: PodSpec,
): JobManifest {
  const { identity, settings, fencing } = context;
  const request = digestOf(canonicalJson({ ref, asked }));
  const labels = jobLabels(identity.release, ref, { attempt, request, round: roundOf(context), fencing });
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: jobName(identity, ref, attempt), namespace: settings.namespace, labels },
    spec: {
      backoffLimit: 0,
      activeDeadlineSeconds: deadlineSeconds,
      ttlSecondsAfterFinished: TTL_SECONDS,
      // two pods of one run must never have its volume at the same time
      podReplacementPolicy: "Failed",
      // no rule for exit codes: it would also count the pod of a Job that is suspended, which ends with one
      podFailurePolicy: {
        rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] }],
      },
      template: { metadata: { labels }, spec },
    },
  };
}

import { CAPABILITIES, CLOCK_VARIABLE, INSIDE } from "../../../builders/contract/inside.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import { type Perturbation, PERTURB_VARIABLE, TEST_VARIABLE } from "../../../builders/contract/perturbation.ts";
import { NETWORK_VARIABLE, POD, REQUEST_DIGEST_VARIABLE, VOLUME } from "../../../builders/contract/pod.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { type Variation, variationOf } from "../../../builders/contract/variation.ts";
import { amountOf } from "./amounts.ts";
import {
  containerRights,
  jobAround,
  type JobAttempt,
  type JobContext,
  podBase,
  podRights,
  variablesOf,
  withoutNetwork,
} from "./job-frame.ts";
import type { Container, JobManifest, PodSpec, Resources } from "./kubernetes-objects.ts";
import { SPREAD_LABEL } from "./node-selector.ts";
import { runsOfArch } from "./object-labels.ts";
import { claimName } from "./object-names.ts";

/** What one run of the builder in a pod is made of. */
export type BuildPod = {
  readonly arch: Arch;
  /** from 1 */
  readonly run: number;
  /** how many runs there are */
  readonly runs: number;
  /** the image with the inputs, by digest; the kubelet pulls it */
  readonly inputsImage: string;
  /** digest of the request in it, which the builder checks */
  readonly request: Digest;
  readonly resources: Resources;
  /** nodes on which other runs of this arch were built; where runs must be spread, this one goes elsewhere */
  readonly usedNodes: readonly string[];
  /** what a test wants made wrong */
  readonly perturbation: Perturbation | null;
};

/** Copies the inputs of their image: a static program in it, since the image holds no system. */
const COPIER = ["/bin/busybox", "cp", "-r", "/inputs/.", `${INSIDE.in}/`];

/** No node's number is known here: a variation's CPU counts those that the pod may use, from 0 again after the last. */
const CPUS = 1024;

/**
 * How a run in a pod is varied: as on one machine (docs/reproducibility.md). A run in memory needs room within the
 * pod's memory limit.
 */
export const podVariation = (run: number, { limits }: Resources): Variation =>
  variationOf(run, { cpus: CPUS, memoryAvailableBytes: limits?.memory === undefined ? 0 : amountOf(limits.memory) });

/** The runs of an arch on different nodes, as far as the class says. */
function spreading(
  { identity, settings }: JobContext,
  pod: BuildPod,
): Pick<PodSpec, "affinity" | "topologySpreadConstraints"> {
  const even = {
    maxSkew: 1,
    topologyKey: SPREAD_LABEL,
    labelSelector: { matchLabels: runsOfArch(identity.release, pod.arch) },
  } as const;
  if (settings.spread === "Prefer") {
    return { topologySpreadConstraints: [{ ...even, whenUnsatisfiable: "ScheduleAnyway" }] };
  }
  // with fewer nodes than runs the scheduler must not take them for evenly used (core/v1, minDomains)
  const topologySpreadConstraints = [{ ...even, whenUnsatisfiable: "DoNotSchedule", minDomains: pod.runs }] as const;
  if (pod.usedNodes.length === 0) return { topologySpreadConstraints };
  // the scheduler counts no pod that has ended
  const matchFields = pod.usedNodes.map(
    (node) => ({ key: "metadata.name", operator: "NotIn", values: [node] }) as const,
  );
  const nodeSelectorTerms = [{ matchFields }] as const;
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } };
  return { affinity: { nodeAffinity }, topologySpreadConstraints };
}

function environment(variation: Variation, pod: BuildPod, hasNetwork: boolean): Container["env"] {
  const { run, perturbation } = pod;
  const variables = {
    ...variation.noise,
    TZ: variation.timeZone,
    LC_ALL: variation.locale,
    LANG: variation.locale,
    HOME: INSIDE.work,
    TMPDIR: `${INSIDE.work}/tmp`,
    [CLOCK_VARIABLE]: String(variation.clockOffsetDays),
    [REQUEST_DIGEST_VARIABLE]: pod.request,
    ...(hasNetwork ? { [NETWORK_VARIABLE]: "policy" } : {}),
    ...(perturbation?.run === run ? { [PERTURB_VARIABLE]: perturbation.step, [TEST_VARIABLE]: "1" } : {}),
  };
  return variablesOf(variables);
}

/**
 * One run as a Job: an init container copies the inputs, then the builder works as uid 0 with its eight capabilities,
 * without token, network and host path; its volume is the only way out (release-api.md 4, "Builder Job").
 */
export function buildJob(context: JobContext, pod: BuildPod, attempt: JobAttempt): JobManifest {
  const { settings, identity } = context;
  const { arch, run, resources, inputsImage, request, perturbation } = pod;
  const variation = podVariation(run, resources);
  const storage = resources.limits?.["ephemeral-storage"];
  const diskLimit = storage === undefined ? {} : { sizeLimit: storage };
  const asked = { images: [settings.images.builder, inputsImage], request, perturbation };
  return jobAround(context, { step: "build", arch, run }, attempt, asked, {
    ...podBase(settings, arch),
    ...withoutNetwork(settings),
    ...spreading(context, pod),
    hostname: variation.hostname,
    securityContext: podRights(0),
    initContainers: [
      {
        ...{ name: "inputs", image: inputsImage, command: COPIER, env: [], resources },
        securityContext: containerRights(),
        volumeMounts: [{ name: "in", mountPath: INSIDE.in }],
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
    containers: [
      {
        ...{ name: "build", image: settings.images.builder, resources },
        command: [
          ...["/bin/sh", `${INSIDE.project}/builders/host/pod.sh`],
          ...[variation.umask, String(variation.workOwner), variation.cpus ?? "all"],
          ...[INSIDE.node, `${INSIDE.project}/builders/main.ts`, "build", "--termination-log", POD.message],
        ],
        env: environment(variation, pod, settings.runtimeClassName === undefined),
        securityContext: containerRights(Object.keys(CAPABILITIES)),
        volumeMounts: [
          { name: "in", mountPath: INSIDE.in, readOnly: true },
          { name: "work", mountPath: INSIDE.work },
          { name: "run", mountPath: INSIDE.out, subPath: VOLUME.out },
          { name: "run", mountPath: INSIDE.logs, subPath: VOLUME.logs },
        ],
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
    volumes: [
      { name: "in", emptyDir: diskLimit },
      { name: "work", emptyDir: variation.workFileSystem === "memory" ? { medium: "Memory" } : diskLimit },
      { name: "run", persistentVolumeClaim: { claimName: claimName(identity, arch, run) } },
    ],
  });
}

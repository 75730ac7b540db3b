import type { BootRequest } from "../../../builders/contract/boot.ts";
import type { Digest } from "../../../builders/contract/digest.ts";
import { BOOT_UID, INSIDE } from "../../../builders/contract/inside.ts";
import { POD, requestVariables, VOLUME } from "../../../builders/contract/pod.ts";
import { mebibytes } from "./amounts.ts";
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
import type { JobManifest } from "./kubernetes-objects.ts";
import { claimName } from "./object-names.ts";

export type BootPod = {
  /** the boot's name (boot-plan.ts), such as `raw-uefi` */
  readonly boot: string;
  /** what it must prove; its identity is drawn for each attempt */
  readonly request: BootRequest;
  /** digest of the artifact's files: a boot of other bytes is another Job */
  readonly artifact: Digest;
};

/** The run whose artifacts are booted: all runs are the same to the byte, or none is used. */
const RUN = 1;

const MIB = 1024 * 1024;

/** QEMU itself, with the code that it translates: at most 1 GiB of that (qemu(1), "-accel", tb-size). */
const OVERHEAD_MIB = 1536;

/**
 * Boots one artifact of run 1 in QEMU: uid 65532, no capability, no network, no credential, its volume read-only
 * (Pod Security "restricted").
 */
export function bootJob(context: JobContext, pod: BootPod, attempt: JobAttempt): JobManifest {
  const { settings, identity } = context;
  const { arch, variant, memoryMiB } = pod.request;
  const { identity: _drawn, ...lasting } = pod.request;
  const asked = { image: settings.images.boot, request: lasting, artifact: pod.artifact };
  const variables = {
    ...requestVariables(pod.request),
    HOME: INSIDE.work,
    TMPDIR: INSIDE.work,
    TZ: "UTC",
    LC_ALL: "C.UTF-8",
  };
  return jobAround(context, { step: "boot", arch, boot: pod.boot }, attempt, asked, {
    ...podBase(settings, arch),
    ...withoutNetwork(settings),
    securityContext: podRights(BOOT_UID),
    containers: [
      {
        ...{ name: "boot", image: settings.images.boot },
        command: [INSIDE.node, `${INSIDE.project}/builders/main.ts`, "boot", "--termination-log", POD.message],
        env: variablesOf(variables),
        securityContext: containerRights(),
        resources: {
          requests: { cpu: "1", memory: mebibytes(memoryMiB * MIB) },
          limits: { memory: mebibytes((memoryMiB + OVERHEAD_MIB) * MIB) },
        },
        volumeMounts: [
          { name: "run", mountPath: INSIDE.artifact, subPath: `${VOLUME.out}/${arch}/${variant}`, readOnly: true },
          { name: "work", mountPath: INSIDE.work },
        ],
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
    volumes: [
      { name: "run", persistentVolumeClaim: { claimName: claimName(identity, arch, RUN), readOnly: true } },
      { name: "work", emptyDir: {} },
    ],
  });
}

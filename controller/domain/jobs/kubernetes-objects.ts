// The parts of Kubernetes' objects that imgrel writes or reads (kubernetes.io, API reference: batch/v1, core/v1). The
// client's own types are not used here: the domain imports no client.

/** metadata of what the cluster holds. */
export type ObjectMeta = {
  readonly name: string;
  readonly namespace: string;
  readonly uid?: string;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string; readonly controller?: boolean }[];
};

export type Amounts = Readonly<Partial<Record<"cpu" | "memory" | "ephemeral-storage", string>>>;
export type Resources = { readonly requests?: Amounts; readonly limits?: Amounts };

type VolumeMount = {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: true;
};

/** Only these three kinds: a pod of ours never sees the node's files. */
export type Volume = { readonly name: string } & (
  | { readonly emptyDir: { readonly medium?: "Memory"; readonly sizeLimit?: string } }
  | { readonly persistentVolumeClaim: { readonly claimName: string; readonly readOnly?: true } }
  | {
      readonly secret: {
        readonly secretName: string;
        readonly defaultMode: number;
        readonly items: readonly { readonly key: string; readonly path: string }[];
      };
    }
);

export type Container = {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly securityContext: {
    readonly allowPrivilegeEscalation: false;
    readonly privileged: false;
    readonly readOnlyRootFilesystem: true;
    readonly capabilities: { readonly drop: readonly ["ALL"]; readonly add?: readonly string[] };
  };
  readonly resources: Resources;
  readonly volumeMounts: readonly VolumeMount[];
  readonly terminationMessagePolicy: "File" | "FallbackToLogsOnError";
};

type NodeSelectorRequirement = {
  readonly key: "metadata.name";
  readonly operator: "NotIn";
  readonly values: readonly [string];
};

export type PodSpec = {
  readonly restartPolicy: "Never";
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: false;
  readonly enableServiceLinks: false;
  readonly dnsPolicy: "Default" | "ClusterFirst";
  readonly hostname?: string;
  readonly runtimeClassName?: string;
  readonly terminationGracePeriodSeconds: number;
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly affinity?: {
    readonly nodeAffinity: {
      readonly requiredDuringSchedulingIgnoredDuringExecution: {
        readonly nodeSelectorTerms: readonly [{ readonly matchFields: readonly NodeSelectorRequirement[] }];
      };
    };
  };
  readonly topologySpreadConstraints?: readonly {
    readonly maxSkew: 1;
    readonly minDomains?: number;
    readonly topologyKey: "kubernetes.io/hostname";
    readonly whenUnsatisfiable: "ScheduleAnyway" | "DoNotSchedule";
    readonly labelSelector: { readonly matchLabels: Readonly<Record<string, string>> };
  }[];
  readonly securityContext: {
    readonly runAsUser: number;
    readonly runAsGroup: number;
    readonly runAsNonRoot: boolean;
    readonly seccompProfile: { readonly type: "RuntimeDefault" };
  };
  readonly initContainers?: readonly Container[];
  readonly containers: readonly [Container];
  readonly volumes: readonly Volume[];
};

type PodFailureRule = {
  readonly action: "Ignore";
  readonly onPodConditions: readonly [{ readonly type: "DisruptionTarget"; readonly status: "True" }];
};

/** A Job as imgrel creates it. */
export type JobManifest = {
  readonly apiVersion: "batch/v1";
  readonly kind: "Job";
  readonly metadata: Required<Pick<ObjectMeta, "name" | "namespace" | "labels">>;
  readonly spec: {
    readonly backoffLimit: 0;
    readonly activeDeadlineSeconds: number;
    readonly ttlSecondsAfterFinished: number;
    readonly podReplacementPolicy: "Failed";
    readonly podFailurePolicy: { readonly rules: readonly PodFailureRule[] };
    readonly template: {
      readonly metadata: { readonly labels: Readonly<Record<string, string>> };
      readonly spec: PodSpec;
    };
  };
};

export type ClaimManifest = {
  readonly apiVersion: "v1";
  readonly kind: "PersistentVolumeClaim";
  readonly metadata: Required<Pick<ObjectMeta, "name" | "namespace" | "labels">>;
  readonly spec: {
    readonly accessModes: readonly ["ReadWriteOnce"];
    readonly storageClassName?: string;
    readonly resources: { readonly requests: { readonly storage: string } };
  };
};

type Condition = {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
};

/** A Job as the cluster tells of it. */
export type ObservedJob = {
  readonly metadata: ObjectMeta & { readonly uid: string };
  readonly spec?: { readonly suspend?: boolean };
  /** `startTime`: of its last start, if it was suspended */
  readonly status?: { readonly startTime?: string; readonly conditions?: readonly Condition[] };
};

/** How a container ended (ContainerStateTerminated). */
export type Terminated = {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
};

export type ContainerStatus = {
  readonly name: string;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: Terminated;
  };
};

/** A pod as the cluster tells of it. */
export type ObservedPod = {
  readonly metadata: ObjectMeta;
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly startTime?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
};

/** An event about a Job or one of its pods. */
export type ObservedEvent = {
  readonly involvedObject: { readonly kind?: string; readonly uid?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
};

import { z } from "zod";
import { Digest } from "../../builders/contract/digest.ts";
import { Arch, Variant } from "../../builders/contract/variant.ts";
import { DiskImageReleaseClass } from "./class.ts";
import { CommitId } from "./release-facts.ts";
import { LABELS } from "./release-object.ts";
import { ReleaseStatus } from "./release-status.ts";
import { DiskImageReleaseSource } from "./source.ts";
import { SourceStatus } from "./source-status.ts";

/** Keeps a release until its Jobs, claims and staged runs are gone; no release has it that has none (release-api.md 2.2). */
export const JOBS_FINALIZER = "releases.powernode.io/jobs";

/** Annotations by which people ask for something; each new value asks once (release-api.md 3.2). */
export const ANNOTATIONS = {
  reconcileAt: "releases.powernode.io/reconcileAt",
  retryAt: "releases.powernode.io/retryAt",
} as const;

const Metadata = z.object({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  generation: z.int().default(1),
  creationTimestamp: z.string().default(""),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  finalizers: z.array(z.string()).default([]),
});

// The API server checked the spec by its own schema: what the controller needs is read here, all else is read from git.
const ReleaseObjectRead = z.object({
  metadata: Metadata,
  spec: z.object({
    version: z.string(),
    className: z.string(),
    suspend: z.boolean().default(false),
    source: z
      .object({
        repository: z.string(),
        commit: CommitId,
        path: z.string(),
        specDigest: Digest,
        lock: z.partialRecord(Arch, Digest),
      })
      .nullable()
      .default(null),
    targets: z.array(z.object({ variant: Variant, arch: Arch, platformName: z.string().optional() })),
    builds: z.int().optional(),
  }),
  status: ReleaseStatus.default({}),
});

type Identity = {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  /** metadata.generation */
  readonly generation: number;
};

/** A DiskImageRelease of the cluster, as far as the controller reads it. */
export type ClusterRelease = Identity & {
  /** when it was made, then its name: the order in which releases get their turn */
  readonly order: string;
  readonly deleted: boolean;
  /** when its deletion was asked for, RFC 3339; empty: it was not */
  readonly deletedAt: string;
  /** whether it may have Jobs: see {@link JOBS_FINALIZER} */
  readonly held: boolean;
  /** the DiskImageReleaseSource that it comes from; null: none */
  readonly source: string | null;
  readonly orphaned: boolean;
  readonly asked: { readonly reconcileAt: string; readonly retryAt: string };
  readonly spec: z.infer<typeof ReleaseObjectRead>["spec"];
  readonly status: ReleaseStatus;
};

/** A class or a source of the cluster. */
export type ClusterClass = Identity & { readonly spec: DiskImageReleaseClass["spec"] };
export type ClusterSource = Identity & {
  readonly deleted: boolean;
  /** value of the annotation that asks for a look */
  readonly reconcileAt: string;
  readonly spec: DiskImageReleaseSource["spec"];
  readonly status: SourceStatus;
};

/**
 * Reads a DiskImageRelease as the API server sends it.
 * @throws z.ZodError if it is none
 */
export function readClusterRelease(object: unknown): ClusterRelease {
  const { metadata, spec, status } = ReleaseObjectRead.parse(object);
  const { name, namespace, uid, generation, creationTimestamp, deletionTimestamp, labels, annotations } = metadata;
  const held = metadata.finalizers.includes(JOBS_FINALIZER);
  return {
    ...{ name, namespace, uid, generation, spec, status },
    order: `${creationTimestamp} ${name}`,
    ...{ deleted: deletionTimestamp !== undefined, deletedAt: deletionTimestamp ?? "", held },
    source: labels[LABELS.source] ?? null,
    orphaned: labels[LABELS.orphaned] === "true",
    asked: {
      reconcileAt: annotations[ANNOTATIONS.reconcileAt] ?? "",
      retryAt: annotations[ANNOTATIONS.retryAt] ?? "",
    },
  };
}

/** What only the API server writes, without which an object is the document that people write. */
const document = (object: unknown): unknown => {
  const { status: _, ...rest } = z.looseObject({ metadata: z.looseObject({ name: z.string() }) }).parse(object);
  return { ...rest, metadata: { name: rest.metadata.name } };
};

/**
 * Reads a DiskImageReleaseClass as the API server sends it.
 * @throws z.ZodError if it is none that this version takes
 */
export function readClusterClass(object: unknown): ClusterClass {
  const { name, namespace, uid, generation } = z.object({ metadata: Metadata }).parse(object).metadata;
  return { name, namespace, uid, generation, spec: DiskImageReleaseClass.parse(document(object)).spec };
}

/**
 * Reads a DiskImageReleaseSource as the API server sends it.
 * @throws z.ZodError if it is none that this version takes
 */
export function readClusterSource(object: unknown): ClusterSource {
  const { metadata, status } = z.object({ metadata: Metadata, status: SourceStatus.default({}) }).parse(object);
  const { name, namespace, uid, generation, deletionTimestamp, annotations } = metadata;
  return {
    ...{ name, namespace, uid, generation, status },
    ...{ deleted: deletionTimestamp !== undefined, reconcileAt: annotations[ANNOTATIONS.reconcileAt] ?? "" },
    spec: DiskImageReleaseSource.parse(document(object)).spec,
  };
}

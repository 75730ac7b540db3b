import { z } from "zod";
import { canonicalJson, type Sha256Hex } from "../../builders/contract/digest.ts";
import { Arch, Variant } from "../../builders/contract/variant.ts";
import type { Variation } from "../../builders/contract/variation.ts";
import { type ComparedArtifact, manifestPath } from "./comparison.ts";
import { type ReleaseFacts, sourceUri, specFile } from "./release-facts.ts";
import {
  type DependencyFacts,
  pinnedImage,
  resolvedDependencies,
  type ResourceDescriptor,
} from "./resolved-dependencies.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "./statement.ts";
import { artifactSubject, byName } from "./subjects.ts";
import { Timestamp, timestamp } from "./timestamp.ts";

/** docs/buildtypes/boot-artifact-v1.md. Another number for any change of meaning. */
export const BUILD_TYPE = "https://imgrel.example/buildtypes/boot-artifact/v1";

/** The local process, docs/builders/local-v1.md: one machine and one operator, SLSA build level 1. */
export const LOCAL_BUILDER = "https://imgrel.example/builders/local@v1";

/** A cluster, docs/builders/k8s-v1.md: for who gives a deployment no id of its own. */
export const CLUSTER_BUILDER = "https://imgrel.example/builders/k8s@v1";

/** A larger statement leaves the packages to the digests of the locks (trust.md 3). */
export const MAX_STATEMENT_BYTES = 256 * 1024;

/** What is asked of the builder from outside: where the spec is and which part of it. All else stands in the spec. */
export const ExternalParameters = z.strictObject({
  source: z.string().min(1),
  path: z.string().min(1),
  release: z.string().min(1),
  arch: Arch,
  variant: Variant,
});
export type ExternalParameters = z.infer<typeof ExternalParameters>;

const Descriptor = z.object({
  name: z.string(),
  uri: z.string().exactOptional(),
  digest: z.record(z.string(), z.string()).exactOptional(),
  annotations: z.record(z.string(), z.unknown()).exactOptional(),
});

/**
 * The predicate of a provenance of ours, for those who verify one (SLSA 1.2, build-provenance.md): unknown external
 * parameters are refused, all else that is unknown is ignored.
 */
export const Provenance = z.object({
  buildDefinition: z.object({
    buildType: z.literal(BUILD_TYPE),
    externalParameters: ExternalParameters,
    internalParameters: z.record(z.string(), z.unknown()),
    resolvedDependencies: z.array(Descriptor),
  }),
  runDetails: z.object({
    builder: z.object({ id: z.string().min(1) }),
    metadata: z.object({ invocationId: z.string().min(1), startedOn: Timestamp, finishedOn: Timestamp }),
  }),
});
export type Provenance = z.infer<typeof Provenance>;

/** A file that a run left beside its outputs. */
export type Byproduct = { readonly name: string; readonly sha256: Sha256Hex; readonly mediaType: string };

/** One run of one arch, as the controller saw it. */
export type RunFacts = DependencyFacts & {
  readonly arch: Arch;
  /** from 1 */
  readonly run: number;
  readonly sourceDateEpoch: number;
  readonly variation: Variation;
  /** where in a cluster, and what held its network if that was more than none (run-record.ts) */
  readonly node?: string | undefined;
  readonly network?: "policy" | undefined;
  readonly builder: {
    /** {@link LOCAL_BUILDER}, or that of a deployment in a cluster */
    readonly id: string;
    /** versions of what belongs to the builder itself, by name; imgrel's own is added */
    readonly version: Readonly<Record<string, string>>;
    /** image that the controller itself runs in, `<repository>@sha256:…`; null: none */
    readonly image: string | null;
  };
  /** unique for ever, opaque */
  readonly invocationId: string;
  readonly startedOn: Date;
  readonly finishedOn: Date;
  /** logs and the like, for incident response */
  readonly byproducts: readonly Byproduct[];
  /** all files of the arch as the comparator hashed them, `<arch>/build-manifest.json` among them */
  readonly artifacts: readonly ComparedArtifact[];
};

/** The parameters that ask for one variant of a release. */
export const externalParameters = (release: ReleaseFacts, arch: Arch, variant: Variant): ExternalParameters => ({
  source: sourceUri(release),
  path: specFile(release),
  release: release.name,
  arch,
  variant,
});

/**
 * The files that a variant's provenance is about: all of the variant, and the manifest of its arch.
 * @throws RangeError if there is no file of the variant, or no manifest
 */
function filesOf({ artifacts, arch }: RunFacts, variant: Variant): ComparedArtifact[] {
  const own = artifacts.filter(({ path }) => path.startsWith(`${arch}/${variant}/`));
  const manifest = artifacts.filter(({ path }) => path === manifestPath(arch));
  if (own.length === 0) throw new RangeError(`there is no file of ${arch}/${variant}`);
  if (manifest.length === 0) throw new RangeError(`there is no ${manifestPath(arch)}`);
  return [...own, ...manifest];
}

const byproduct = ({ name, sha256, mediaType }: Byproduct): ResourceDescriptor => ({
  name,
  digest: { sha256 },
  mediaType,
});

/**
 * The SLSA provenance of one variant from one run (trust.md 3). Runs of the same bytes differ in internalParameters and
 * runDetails only.
 * @param dependencies what the run was made from, with every package or without: the same for all runs and variants of
 * an arch, and long
 * @throws RangeError if there is no file of the variant, or no manifest
 */
export function provenanceStatement(
  facts: RunFacts,
  variant: Variant,
  dependencies = (debs: boolean): readonly ResourceDescriptor[] => resolvedDependencies(facts, { debs }),
): Statement {
  const { release, arch, run, sourceDateEpoch, variation, builder } = facts;
  const statement = (resolved: readonly ResourceDescriptor[]): Statement => ({
    _type: STATEMENT_TYPE,
    subject: filesOf(facts, variant).map(artifactSubject).toSorted(byName),
    predicateType: PREDICATE.provenance,
    predicate: {
      buildDefinition: {
        buildType: BUILD_TYPE,
        externalParameters: externalParameters(release, arch, variant),
        internalParameters: {
          ...{ run, sourceDateEpoch, network: facts.network ?? "none", variation },
          ...(facts.node === undefined ? {} : { node: facts.node }),
        },
        resolvedDependencies: resolved,
      },
      runDetails: {
        builder: {
          ...{ id: builder.id, version: { ...builder.version, imgrel: facts.imgrel.version } },
          ...(builder.image === null ? {} : { builderDependencies: [pinnedImage("controller-image", builder.image)] }),
        },
        metadata: {
          invocationId: facts.invocationId,
          startedOn: timestamp(facts.startedOn),
          finishedOn: timestamp(facts.finishedOn),
        },
        byproducts: facts.byproducts.map(byproduct).toSorted(byName),
      },
    },
  });
  const whole = dependencies(true);
  // the long list is measured by itself: its JSON may be kept
  const bytes = statementBytes(statement([])) - "[]".length + Buffer.byteLength(canonicalJson(whole));
  return statement(bytes <= MAX_STATEMENT_BYTES ? whole : dependencies(false));
}

/** Size of a statement in a bundle, before base64. */
export const statementBytes = (statement: Statement): number => Buffer.byteLength(canonicalJson(statement));

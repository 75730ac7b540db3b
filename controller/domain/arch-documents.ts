import { keepJson, sha256Hex } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { artifactTag } from "./artifact-names.ts";
import { bootName, bootPlan } from "./boot-plan.ts";
import { cyclonedxDocument } from "./cyclonedx.ts";
import { platformStatement } from "./platform-statement.ts";
import { provenanceStatement, type RunFacts } from "./provenance.ts";
import type { ReleaseFacts } from "./release-facts.ts";
import { type DependencyFacts, resolvedDependencies, type ResourceDescriptor } from "./resolved-dependencies.ts";
import type { BootProof, ProvenFile, RunRecord } from "./run-record.ts";
import { composeSbom } from "./sbom.ts";
import { sbomStatement } from "./sbom-statement.ts";
import { spdxDocument } from "./spdx.ts";
import type { Statement } from "./statement.ts";
import type { DocumentName } from "./target.ts";
import { bootStatement } from "./test-statement.ts";

/** Everything that is said, signed, about one arch of a release: facts that were observed, and proven to the byte. */
export type ArchFacts = {
  readonly release: ReleaseFacts;
  readonly arch: Arch;
  readonly sourceDateEpoch: number;
  readonly lock: Lock;
  readonly toolchain: Lock;
  readonly baseImage: string | null;
  /** imgrel itself: its version, and the commit of its sources; null if they are not a clean checkout */
  readonly imgrel: DependencyFacts["imgrel"];
  readonly builder: RunFacts["builder"];
  readonly builderImage: DependencyFacts["builderImage"];
  /** what makes an invocation unique: of one run, for ever */
  readonly invocationId: (run: RunRecord) => string;
  /** every file as the comparator hashed it */
  readonly files: readonly ProvenFile[];
  readonly runs: readonly RunRecord[];
  /** boots that passed, by name */
  readonly boots: Readonly<Record<string, BootProof>>;
  /** the root's dpkg database */
  readonly dpkgStatus: string;
  /** SHA-256 of the root image */
  readonly rootImage: string;
  /** how references to published artifacts begin */
  readonly repository: string;
  readonly targets: readonly {
    readonly variant: Variant;
    readonly platformName: string | null;
    readonly firmwareRef: string | null;
  }[];
};

/** What is signed about the targets of one arch. */
export type ArchDocuments = {
  readonly spdx: string;
  readonly cyclonedx: string;
  /** null for the signature over an image itself, which is no statement */
  readonly statement: (variant: Variant, document: DocumentName) => Statement | null;
};

/** Where a record keeps the bills of materials, as a URI. */
export const sbomLocation = ({ repository, name }: ReleaseFacts): string => `${repository}#records/${name}/sbom`;

function dependencies({ release, lock, toolchain, baseImage, imgrel, builderImage }: ArchFacts): DependencyFacts {
  const unknown = { specTree: null, locations: {} };
  return {
    release,
    ...unknown,
    lock: { lock, gitBlob: null },
    toolchain: { lock: toolchain, gitBlob: null },
    ...{ baseImage, imgrel, builderImage },
  };
}

function runFacts(facts: ArchFacts, run: RunRecord): RunFacts {
  const { arch, sourceDateEpoch, builder, files } = facts;
  return {
    ...dependencies(facts),
    ...{ arch, run: run.run, sourceDateEpoch, variation: run.variation, builder, artifacts: files },
    ...{ node: run.node, network: run.network },
    invocationId: facts.invocationId(run),
    startedOn: new Date(run.startedOn),
    finishedOn: new Date(run.finishedOn),
    byproducts: run.logs.map(({ name, sha256 }) => ({ name, sha256, mediaType: "text/plain" })),
  };
}

/** The platform's own statement about a disk image. */
function platform(facts: ArchFacts, variant: Variant): Statement {
  const { arch, files, release, runs, repository, targets } = facts;
  const image = files.find(({ path }) => path.startsWith(`${arch}/${variant}/`) && path.endsWith(".img"));
  const first = runs.find(({ run }) => run === 1);
  const target = targets.find((one) => one.variant === variant);
  if (image === undefined || first === undefined || target === undefined) {
    throw new RangeError(`${arch}/${variant} is no disk image of this release`);
  }
  return platformStatement(image.path.split("/").at(-1) ?? "", {
    platform_name: target.platformName,
    oci_ref: `${repository}:${artifactTag(release.name, arch, variant)}`,
    ...{ sha256: image.sha256, size_bytes: image.sizeBytes, git_sha: release.specCommit },
    ...{ firmware_ref: target.firmwareRef, arch, built_at: first.finishedOn },
  });
}

/** Boots of one variant that passed. */
const bootsOf = ({ arch, boots }: ArchFacts, variant: Variant) =>
  bootPlan([variant], arch).flatMap((planned) => {
    const proof = boots[bootName(planned)];
    return proof === undefined ? [] : [{ planned, result: proof.result, evidence: { "serial.log": proof.serialLog } }];
  });

/**
 * What is to be signed about one arch. Pure: the same facts give the same statements, so that one that was signed before
 * a crash is known again.
 * @throws ReleaseError VerificationFailed if what is installed in the root is not what the lock says
 */
export function archDocuments(facts: ArchFacts): ArchDocuments {
  const { release, arch, sourceDateEpoch, imgrel, rootImage, files } = facts;
  const { name, version, specDigest } = release;
  const image = { release: name, version, arch, specDigest, sourceDateEpoch, imgrel: imgrel.version, rootImage };
  const sbom = composeSbom(image, facts.lock, facts.dpkgStatus);
  const [spdx, cyclonedx] = [spdxDocument(sbom), cyclonedxDocument(sbom)];
  const attested = { arch, spdx, cyclonedx, location: sbomLocation(release), attester: facts.builder.id };
  const resolved = new Map<boolean, readonly ResourceDescriptor[]>();
  const dependenciesWith = (debs: boolean): readonly ResourceDescriptor[] => {
    const known = resolved.get(debs) ?? keepJson(resolvedDependencies(dependencies(facts), { debs }));
    resolved.set(debs, known);
    return known;
  };
  const make = (variant: Variant, document: Exclude<DocumentName, "image">): Statement => {
    if (document === "platform") return platform(facts, variant);
    if (document === "sbom") return sbomStatement(attested, files);
    if (document === "tests") return bootStatement(arch, variant, bootsOf(facts, variant), files);
    const run = facts.runs.find((one) => document === `provenance-run-${one.run}`);
    if (run === undefined) throw new RangeError(`${document}: there is no such run`);
    return provenanceStatement(runFacts(facts, run), variant, dependenciesWith);
  };
  // they are asked for at every look at a registry
  const made = new Map<string, Statement>();
  return {
    spdx,
    cyclonedx,
    statement: (variant, document) => {
      if (document === "image") return null;
      const key = document === "sbom" ? document : `${variant} ${document}`;
      const statement = made.get(key) ?? make(variant, document);
      made.set(key, statement);
      return statement;
    },
  };
}

/**
 * A file of a run as text, once it is the one that the comparator hashed.
 * @throws RangeError if it is another
 */
export function provenText(files: readonly ProvenFile[], path: string, text: string): string {
  const proven = files.find((file) => file.path === path);
  if (proven?.sha256 === sha256Hex(text)) return text;
  throw new RangeError(`${path} is not the file that was compared`);
}

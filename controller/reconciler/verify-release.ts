import { checkGivenFile } from "../domain/check-artifact.ts";
import { checkIndex, type SeenIndex, seenIndex } from "../domain/check-record-list.ts";
import { checkInputs } from "../domain/check-inputs.ts";
import { checkProvenance, provenanceFile } from "../domain/check-provenance.ts";
import { checkQuorum, type ProvenRun } from "../domain/check-quorum.ts";
import { checkSbom } from "../domain/check-sbom.ts";
import { checkSpec } from "../domain/check-spec.ts";
import { checkTests } from "../domain/check-tests.ts";
import type { ComparedArtifact } from "../domain/comparison.ts";
import { type FaultCode, ReleaseError } from "../domain/errors.ts";
import type { Policy } from "../domain/policy.ts";
import type { Provenance } from "../domain/provenance.ts";
import { type PublishedRecord, readRecord } from "../domain/read-record.ts";
import { recordInvalid } from "../domain/record-invalid.ts";
import { RECORD_FILES } from "../domain/record-files.ts";
import { recordPath } from "../domain/record-rules.ts";
import { INDEX_FILE, INDEX_STATEMENT_FILE, parseIndex } from "../domain/recorded-releases.ts";
import { type ReleaseFolder, readReleaseFolder, releasePath } from "../domain/release-folder.ts";
import { releaseStatementDigest } from "../domain/release-statement.ts";
import { textOf } from "../domain/spec-files.ts";
import { sameStatement } from "../domain/statement.ts";
import { targetName } from "../domain/target.ts";
import { committedToolchainLock, findToolchainLock } from "../domain/toolchain-locks.ts";
import { failureText } from "../domain/verdict.ts";
import type { CheckResult } from "../domain/verification.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { AuditedRepository } from "../ports/audited-repository.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { IndexOwner, SeenIndices } from "../ports/seen-indices.ts";
import type { SpecTree } from "../ports/spec-repository.ts";
import { verifyArtifacts } from "./verify-artifacts.ts";
import { verifyRebuilds } from "./verify-rebuilds.ts";

/** What a release is verified with. Nothing of it is asked of the network, but of a store that is a registry. */
export type Verification = {
  readonly name: string;
  readonly policy: Policy;
  /** knows the policy's signers */
  readonly verifier: BundleVerifier;
  readonly repository: AuditedRepository;
  /** where the artifacts are; null: nobody said */
  readonly store: ArtifactStore | null;
  /** files that must be the release's, by the path that their user gave */
  readonly files: readonly ComparedArtifact[];
  readonly minIndexVersion: number;
  readonly seen: Pick<SeenIndices, "read">;
  readonly signal: AbortSignal;
};

/** What came of a verification; `index` is what to remember if it did not fail. */
export type Verified = {
  readonly checks: readonly CheckResult[];
  readonly index: { readonly owner: IndexOwner; readonly seen: SeenIndex } | null;
};

/** What a check says: its finding, or why it could not look. */
type Finding = string | { readonly skipped: string };

/** Faults of a store, or of the way to it, that say nothing of what it holds. */
const NOT_SEEN: ReadonlySet<FaultCode> = new Set(["RegistryUnavailable", "RegistryRefused", "Unauthorized"]);

/** What was found in a store, or why nobody could look there. */
const inStore = (look: Promise<string>): Promise<Finding> =>
  look.catch((error: unknown) => {
    if (!(error instanceof ReleaseError) || !NOT_SEEN.has(error.code)) throw error;
    return { skipped: `${error.message}; ${error.remedy}` };
  });

async function outcomeOf(name: string, required: boolean, check: () => Promise<Finding>): Promise<CheckResult> {
  try {
    const found = await check();
    if (typeof found === "string") return { name, result: "PASS", why: found, required };
    return { name, result: "SKIP", why: found.skipped, required };
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    return { name, result: "FAIL", why: error.message, required };
  }
}

async function fileOf(tree: SpecTree, path: string): Promise<string> {
  const content = await tree.readFile(path);
  if (content === null) throw recordInvalid(path, "", "is missing");
  return textOf(path, content);
}

async function readPublished({ name, repository }: Verification): Promise<PublishedRecord> {
  const files = await repository.records.readDirectory(recordPath(name));
  if (files.size === 0) throw recordInvalid(recordPath(name), "", "there is no such record");
  const { published, failure, revocation } = readRecord(name, files);
  if (revocation !== null) throw recordInvalid(RECORD_FILES.revocation, "", "the release was revoked");
  if (published !== null) return published;
  throw new ReleaseError(
    "VerificationFailed",
    `${name} was not released: ${failureText(failure)}`,
    "take another version: this one failed",
  );
}

/** What checks find out one after the other. */
type Findings = {
  folder?: ReleaseFolder;
  provenances?: readonly Proven[];
  rebuilds?: readonly ProvenRun[];
  index?: Verified["index"];
};
type Proven = PublishedRecord["provenance"][number] & { readonly said: Provenance; readonly operator: string };

/** The checks of a record that is whole. They are independent as far as they can be, so that each says what it finds. */
function checksOf(given: Verification, record: PublishedRecord, found: Findings) {
  const { name, policy, verifier, repository, signal } = given;
  const { release, targets } = record.manifest;
  const { requirements, specSigners } = policy;
  const signerOf = (id: string) => policy.signers.find((signer) => signer.id === id);
  const buildersOf = (id: string) => signerOf(id)?.builderIds ?? [];

  const signature = async (): Promise<Finding> => {
    const { signer, statement } = await verifier.verifyStatement(record.bundle);
    if (!sameStatement(statement, record.statement)) {
      throw recordInvalid(RECORD_FILES.statement, "", "says two things");
    }
    return `signed by ${signer}: ${statement.subject.length} files, none missing, none added`;
  };

  const index = async (): Promise<Finding> => {
    const read = parseIndex(await fileOf(repository.records, INDEX_FILE));
    const { signer, statement } = await verifier.verifyStatement(
      await fileOf(repository.records, INDEX_STATEMENT_FILE),
    );
    const known = signerOf(signer);
    if (known?.mode !== "key") throw recordInvalid(INDEX_STATEMENT_FILE, "", `is not signed by a key`);
    const owner = { repository: release.repository, keySha256: known.keySha256 };
    const seen = await given.seen.read(owner);
    const { version, specCommit } = release;
    const entry = { name, version, specCommit, releaseDigest: releaseStatementDigest(record.statement) };
    checkIndex(read, statement, entry, { seen, minVersion: given.minIndexVersion });
    found.index = { owner, seen: seenIndex(read) };
    return `version ${read.version}, signed by ${signer}; ${seen === null ? "none" : `version ${seen.version}`} was seen before`;
  };

  const spec = async (): Promise<Finding> => {
    const { specCommit, branch } = release;
    const tree = await repository.specsAt(specCommit);
    if (tree === null)
      throw recordInvalid(RECORD_FILES.manifest, "release.specCommit", `is not in ${branch}'s history`);
    const path = releasePath(name);
    const folder = readReleaseFolder(name, path, await tree.readDirectory(path));
    checkSpec(record.manifest, folder);
    found.folder = folder;
    return `commit ${specCommit}: its locks, its ${Object.keys(targets).length} targets`;
  };

  const approval = async (allowedSigners: string): Promise<Finding> => {
    const tree = await repository.specsAt(release.specCommit);
    const commit = (await tree?.lastCommitOf(releasePath(name))) ?? null;
    if (commit === null) return { skipped: "spec failed" };
    const signature = await repository.signatureOf(commit, allowedSigners);
    if (signature.good) return `commit ${commit}, the last one to touch the spec, is signed by ${signature.principal}`;
    throw recordInvalid(releasePath(name), `commit ${commit}`, `is not approved: ${signature.why}`);
  };

  const provenance = async (): Promise<Finding> => {
    const proven: Proven[] = [];
    for (const one of record.provenance) {
      const { signer, statement } = await verifier.verifyStatement(one.bundle);
      const said = checkProvenance(record, one, statement, buildersOf(signer));
      proven.push({ ...one, said, operator: signerOf(signer)?.operator ?? "" });
    }
    found.provenances = proven;
    return `${proven.length} runs, each with the release's own bytes`;
  };

  const inputs = async (): Promise<Finding> => {
    const { folder, provenances } = found;
    if (folder === undefined || provenances === undefined) return { skipped: "spec or provenance failed" };
    for (const { said, ...about } of provenances) {
      const lock = folder.locks.get(about.arch);
      const contents = await repository.specs.everyContentOf(committedToolchainLock(about.arch));
      const toolchain = lock === undefined ? null : findToolchainLock(contents, lock.toolchain, about.arch);
      if (lock === undefined || toolchain === null) return { skipped: "the repository has not the toolchain's lock" };
      const baseImage = folder.release.spec.inputs.baseImage ?? null;
      const committed = { release, lock, toolchain, baseImage };
      checkInputs(provenanceFile(about), said.buildDefinition.resolvedDependencies, committed);
    }
    return "every run is of the locks' packages, and of nothing else";
  };

  const rebuilds = async (): Promise<Finding> => {
    if (found.provenances === undefined) return { skipped: "provenance failed" };
    const { runs, why } = await verifyRebuilds(
      { policy, verifier, records: repository.records },
      record,
      found.provenances,
    );
    found.rebuilds = runs;
    return why;
  };

  const quorum = async (): Promise<Finding> => {
    if (found.provenances === undefined || found.rebuilds === undefined) {
      return { skipped: "provenance or rebuilds failed" };
    }
    const own = found.provenances.map((one): ProvenRun => {
      return { target: targetName(one), invocation: one.said.runDetails.metadata.invocationId, operator: one.operator };
    });
    checkQuorum(Object.keys(targets), [...own, ...found.rebuilds], requirements);
    return `at least ${requirements.minBuilds} runs of each target, operators: at least ${requirements.minOperators}`;
  };

  const tests = async (): Promise<Finding> => {
    for (const target of Object.keys(targets)) {
      const one = record.tests.find((each) => targetName(each) === target);
      if (one === undefined) throw recordInvalid("tests", target, "was not booted");
      checkTests(record, one, (await verifier.verifyStatement(one.bundle)).statement);
    }
    return `${record.tests.length} targets booted`;
  };

  const sbom = async (): Promise<Finding> => {
    if (found.folder === undefined) return { skipped: "spec failed" };
    for (const one of record.sboms) {
      const { signer, statement } = await verifier.verifyStatement(one.bundle);
      const lock = found.folder.locks.get(one.arch);
      if (lock === undefined) throw recordInvalid("sbom", one.arch, "has no lock at the spec's commit");
      checkSbom(record, one, statement, buildersOf(signer), lock);
    }
    return "both lists have exactly the locks' packages";
  };

  const artifacts = async (): Promise<Finding> => {
    const { store, files } = given;
    if (store === null && files.length === 0) return { skipped: "neither --registry nor --artifact was named" };
    const known = files.map((file) => `${file.path} is ${checkGivenFile(record.artifacts, file).path}`);
    if (store === null) return known.join(", ");
    const look = verifyArtifacts({ store, verifier }, record, signal);
    return inStore(look.then((bytes) => [`${bytes} bytes hashed`, ...known].join(", ")));
  };

  return [
    ["signature", true, signature],
    ["index", true, index],
    ["spec", true, spec],
    ...(specSigners === undefined ? [] : [["approval", true, () => approval(specSigners)] as const]),
    ["provenance", true, provenance],
    ["inputs", true, inputs],
    ["rebuilds", true, rebuilds],
    ["quorum", true, quorum],
    ["tests", requirements.tests.includes("boot"), tests],
    ["sbom", requirements.sbom, sbom],
    ["artifacts", true, artifacts],
  ] as const;
}

/**
 * Proves a release from its record (trust.md 2.3, the steps that apply to key mode). The record itself comes first:
 * without it there is nothing to check.
 * @throws what is no fault of the release, such as a file that cannot be read
 */
export async function verifyRelease(given: Verification): Promise<Verified> {
  let record: PublishedRecord | null = null;
  const first = await outcomeOf("record", true, async () => {
    record = await readPublished(given);
    return `${record.artifacts.length} files of the release, all in its sums`;
  });
  const checks = [first];
  if (record === null) return { checks, index: null };
  const found: Findings = {};
  for (const [name, required, check] of checksOf(given, record, found)) {
    checks.push(await outcomeOf(name, required, check));
  }
  return { checks, index: found.index ?? null };
}

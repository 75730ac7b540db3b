import { checkProvenance, filesOfVariant, subjectFault } from "../domain/check-provenance.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { Policy } from "../domain/policy.ts";
import { type PublishedRecord, readRecord } from "../domain/read-record.ts";
import { recordInvalid } from "../domain/record-invalid.ts";
import { recordPath } from "../domain/record-rules.ts";
import { INDEX_FILE, INDEX_STATEMENT_FILE, indexStatement, parseIndex } from "../domain/recorded-releases.ts";
import { archesOf, variantsFor } from "../domain/release.ts";
import { type ReleaseFolder, readReleaseFolder, releaseDigest, releasePath } from "../domain/release-folder.ts";
import { releaseStatementDigest } from "../domain/release-statement.ts";
import { textOf } from "../domain/spec-files.ts";
import { PREDICATE, sameStatement } from "../domain/statement.ts";
import { committedToolchainLock, readToolchainLock } from "../domain/toolchain-locks.ts";
import type { CheckResult } from "../domain/verification.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { SpecTree } from "../ports/spec-repository.ts";
import { verifyArtifacts } from "./verify-artifacts.ts";

/** What a release is verified with. Nothing of it is asked of the network. */
export type Verification = {
  readonly name: string;
  readonly policy: Policy;
  /** knows the policy's signers */
  readonly verifier: BundleVerifier;
  readonly records: SpecTree;
  readonly specs: SpecTree;
  /** where the artifacts are; null: nobody said */
  readonly store: ArtifactStore | null;
  readonly minIndexVersion: number;
  readonly signal: AbortSignal;
};

/** What a check looks at and says: the finding, or null and why it was left out. */
type Check = () => Promise<string | { readonly skipped: string }>;

async function run(name: string, required: boolean, check: Check): Promise<CheckResult> {
  try {
    const found = await check();
    if (typeof found === "string") return { name, result: "PASS", why: found, required };
    return { name, result: "SKIP", why: found.skipped, required };
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    return { name, result: "FAIL", why: error.message, required };
  }
}

const fail = (file: string, field: string, why: string) => recordInvalid(file, field, why);

async function fileOf(tree: SpecTree, path: string): Promise<string> {
  const content = await tree.readFile(path);
  if (content === null) throw fail(path, "", "is missing");
  return textOf(path, content);
}

/** The index names this release by its digest, and is signed. */
async function checkIndex(given: Verification, record: PublishedRecord): Promise<string> {
  const index = parseIndex(await fileOf(given.records, INDEX_FILE));
  const { statement } = await given.verifier.verifyStatement(await fileOf(given.records, INDEX_STATEMENT_FILE));
  if (!sameStatement(statement, indexStatement(index))) throw fail(INDEX_STATEMENT_FILE, "", "is not about this index");
  if (index.version < given.minIndexVersion) {
    throw fail(
      INDEX_FILE,
      "version",
      `is ${index.version}, older than ${given.minIndexVersion}, which was seen before`,
    );
  }
  const entry = index.releases.find(({ name }) => name === given.name);
  if (entry !== undefined && entry.releaseDigest !== releaseStatementDigest(record.statement)) {
    throw fail(INDEX_FILE, given.name, `is ${entry.releaseDigest}, not this record`);
  }
  return `version ${index.version}, signed`;
}

/** The spec and locks that the record names, as the branch of specs has them. */
async function checkSpec(given: Verification, record: PublishedRecord): Promise<ReleaseFolder | null> {
  const { release, targets } = record.manifest;
  const path = releasePath(given.name);
  if ((await given.specs.lastCommitOf(path)) !== release.specCommit) return null;
  const folder = readReleaseFolder(given.name, path, await given.specs.readDirectory(path));
  if (releaseDigest(folder) !== release.specDigest)
    throw fail("manifest.json", "specDigest", "is not that of the spec");
  const { spec } = folder.release;
  const declared = archesOf(spec).flatMap((arch) => variantsFor(spec, arch).map((variant) => `${arch}/${variant}`));
  const missing = declared.find((target) => targets[target] === undefined);
  if (missing !== undefined) throw fail("manifest.json", "targets", `${missing} of the spec is missing`);
  const extra = Object.keys(targets).find((target) => !declared.includes(target));
  if (extra !== undefined) throw fail("manifest.json", "targets", `${extra} is not in the spec`);
  return folder;
}

/** Each provenance by a signer who may speak for its builder, and enough of them. */
async function checkProvenances(given: Verification, record: PublishedRecord, folder: ReleaseFolder | null) {
  const { policy, verifier, specs } = given;
  const operators = new Set<string>();
  for (const { arch, variant, run, bundle } of record.provenance) {
    const { signer, statement } = await verifier.verifyStatement(bundle);
    const known = policy.signers.find(({ id }) => id === signer);
    const lock = folder?.locks.get(arch);
    const committed = committedToolchainLock(arch);
    const content = lock === undefined ? null : await specs.readFile(committed);
    const toolchain = content === null ? null : readToolchainLock(committed, content, arch);
    const locks = lock === undefined || toolchain === null ? null : { lock, toolchain };
    checkProvenance(record, { arch, variant, run }, statement, known?.builderIds ?? [], locks);
    if (known !== undefined) operators.add(known.operator);
  }
  const { minBuilds, minOperators } = policy.requirements;
  for (const target of Object.keys(record.manifest.targets)) {
    const runs = record.provenance.filter(({ arch, variant }) => `${arch}/${variant}` === target).length;
    if (runs < minBuilds) throw fail("provenance", target, `has ${runs} runs, the policy asks for ${minBuilds}`);
  }
  if (operators.size < minOperators) {
    throw fail("provenance", "", `${operators.size} operators, the policy asks for ${minOperators}`);
  }
  return `${record.provenance.length} runs by ${operators.size} operators have the same bytes`;
}

async function checkTests(given: Verification, record: PublishedRecord): Promise<string> {
  for (const target of Object.keys(record.manifest.targets)) {
    const found = record.tests.find(({ arch, variant }) => `${arch}/${variant}` === target);
    if (found === undefined) throw fail("tests", target, "was not booted");
    const { statement } = await given.verifier.verifyStatement(found.bundle);
    if (statement.predicateType !== PREDICATE.testResult) throw fail("tests", target, "is no test result");
    if (statement.predicate["result"] !== "PASSED") throw fail("tests", target, "did not pass");
    const files = new Map(
      [...filesOfVariant(record, found.arch, found.variant)].filter(([path]) => path.split("/").length > 2),
    );
    const fault = subjectFault(statement, files);
    if (fault !== null) throw fail("tests", target, fault);
  }
  return `${record.tests.length} targets booted`;
}

/** The SPDX documents list exactly the lock's packages, by the SHA-256 of each .deb. */
async function checkSbom(given: Verification, record: PublishedRecord, folder: ReleaseFolder | null) {
  for (const { arch, spdx, bundle } of record.sboms) {
    const { statement } = await given.verifier.verifyStatement(bundle);
    const said = JSON.stringify(statement.predicate) === JSON.stringify(JSON.parse(spdx));
    if (statement.predicateType === PREDICATE.spdx && !said) throw fail("sbom", arch, "the statement has another list");
    const lock = folder?.locks.get(arch);
    if (lock === undefined) return { skipped: "the lock is not on the branch of specs any more" };
    const listed = new Set([...spdx.matchAll(/"checksumValue": ?"([0-9a-f]{64})"/g)].map(([, sha256]) => sha256));
    const missing = lock.packages.find(({ sha256 }) => !listed.has(sha256));
    if (missing !== undefined) throw fail("sbom", arch, `${missing.name} is not listed`);
  }
  return "the lists have every package of the locks";
}

/**
 * Proves a release from its record (trust.md 2.3, the steps that apply to key mode): every check runs, and says what it
 * found. The record itself comes first: without it there is nothing to check.
 * @throws what is no fault of the release, such as a repository that cannot be read
 */
export async function verifyRelease(given: Verification): Promise<readonly CheckResult[]> {
  const { name, policy, verifier, store, signal } = given;
  let record: PublishedRecord | null = null;
  let folder: ReleaseFolder | null = null;
  const checks: CheckResult[] = [];
  const add = async (check: string, required: boolean, work: Check) => checks.push(await run(check, required, work));
  await add("record", true, async () => {
    const found = readRecord(name, await given.records.readDirectory(recordPath(name)));
    if (found.published === null) throw fail("release.sigstore.json", "", "is missing: the release was not published");
    if (found.revocation !== null) throw fail("revocation.sigstore.json", "", "the release was revoked");
    record = found.published;
    return `${record.artifacts.length} files, all in its sums and statement`;
  });
  if (record === null) return checks;
  const published: PublishedRecord = record;
  await add("signature", true, async () => {
    const { signer, statement } = await verifier.verifyStatement(published.bundle);
    if (!sameStatement(statement, published.statement)) throw fail("release.sigstore.json", "", "says two things");
    return `signed by ${signer}`;
  });
  await add("index", true, () => checkIndex(given, published));
  await add("spec", true, async () => {
    folder = await checkSpec(given, published);
    const { specCommit } = published.manifest.release;
    if (folder === null) return { skipped: `commit ${specCommit} is not the last one of the spec` };
    return `commit ${specCommit}, its locks and targets`;
  });
  await add("provenance", true, () => checkProvenances(given, published, folder));
  await add("tests", policy.requirements.tests.includes("boot"), () => checkTests(given, published));
  await add("sbom", policy.requirements.sbom, () => checkSbom(given, published, folder));
  await add("artifacts", true, async () => {
    if (store === null) return { skipped: "no --registry was named" };
    return `${await verifyArtifacts(store, published, signal)} bytes hashed`;
  });
  return checks;
}

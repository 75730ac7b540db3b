import { composeRecord, type RecordedArch } from "../domain/compose-record.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { type PublishedRecord, readRecord } from "../domain/read-record.ts";
import { namedFiles, publishedRecord } from "../domain/record.ts";
import {
  INDEX_FILE,
  INDEX_STATEMENT_FILE,
  indexStatement,
  nextIndex,
  parseIndex,
  serializeIndex,
} from "../domain/recorded-releases.ts";
import { artifactsOf } from "../domain/record-manifest.ts";
import { recordPath } from "../domain/record-rules.ts";
import type { RecordStatus } from "../domain/record-status.ts";
import type { ReleaseFacts } from "../domain/release-facts.ts";
import { releaseStatement, releaseStatementDigest } from "../domain/release-statement.ts";
import { sameStatement } from "../domain/statement.ts";
import { textOf } from "../domain/spec-files.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { RecordRepository } from "../ports/record-repository.ts";
import type { Signer } from "../ports/signer.ts";
import type { SpecTree } from "../ports/spec-repository.ts";

/** Who vouches for a record, and the verifier that knows only that signer. */
export type VerifierFor = (record: PublishedRecord) => BundleVerifier;

/**
 * What the branch holds about a release. A record counts only if its release statement is signed by the signer that
 * `verifierFor` trusts, and says exactly what stands beside it.
 * @param specDigest what is to be released; a record of a failed attempt of other content says nothing about it
 */
export async function observeRecord(
  records: Pick<RecordRepository, "tip">,
  name: string,
  verifierFor: VerifierFor,
): Promise<ObservedRecord> {
  const tip = await records.tip();
  const files = await tip.readDirectory(recordPath(name));
  if (files.size === 0) return { kind: "absent" };
  try {
    const { published } = readRecord(name, files);
    if (published === null) return { kind: "absent" }; // an attempt that failed: it may be tried again
    const { statement } = await verifierFor(published).verifyStatement(published.bundle);
    if (!sameStatement(statement, published.statement)) throw new RangeError("two statements in one bundle");
    const { specDigest, version } = published.manifest.release;
    const commit = await tip.lastCommitOf(recordPath(name));
    return { kind: "recorded", specDigest, version, commit: commit ?? "" };
  } catch (error) {
    if (error instanceof ReleaseError && ["RecordInvalid", "SignatureInvalid"].includes(error.code)) {
      return { kind: "invalid", message: error.message };
    }
    throw error;
  }
}

/** A published release, ready to be recorded. */
export type Recordable = {
  readonly release: ReleaseFacts;
  readonly sourceDateEpoch: number;
  readonly arches: readonly RecordedArch[];
  readonly conditions: RecordStatus["conditions"];
  /** marks this one effect (release-api.md 2.2) */
  readonly idempotencyKey: string;
};

/** The index of the tip with this release in it, and its bundle; nothing if it has it already. */
async function indexChanges(
  tip: SpecTree,
  signer: Signer,
  entry: Parameters<typeof nextIndex>[1],
  signal: AbortSignal,
) {
  const content = await tip.readFile(INDEX_FILE);
  const before = content === null ? null : parseIndex(textOf(INDEX_FILE, content));
  const index = nextIndex(before, entry);
  if (index === before) return [];
  return [
    { path: INDEX_FILE, content: serializeIndex(index) },
    { path: INDEX_STATEMENT_FILE, content: await signer.signStatement(indexStatement(index), signal) },
  ];
}

/**
 * Writes the record of a published release: one signed statement over all of it, and one commit.
 * @throws ReleaseError as RecordRepository.commit; RecordInvalid if the index names another release of this name
 */
export async function writeRecord(
  ports: { readonly records: RecordRepository; readonly signer: Signer },
  { release, sourceDateEpoch, arches, conditions, idempotencyKey }: Recordable,
  signal: AbortSignal,
): Promise<void> {
  const { records, signer } = ports;
  const parts = composeRecord(release, sourceDateEpoch, arches, signer.identity);
  const named = namedFiles(parts);
  const statement = releaseStatement(release, artifactsOf(parts.manifest), named);
  const bundle = await signer.signStatement(statement, signal);
  const releaseDigest = releaseStatementDigest(statement);
  const { name, version, specCommit, specDigest } = release;
  const status: RecordStatus = {
    ...{ release: name, version, specCommit, specDigest, generation: 1, conditions },
    targets: arches.flatMap(({ manifest, targets }) =>
      targets.map(({ variant, oci }) => ({ arch: manifest.arch, variant, published: oci })),
    ),
    published: { releaseDigest },
  };
  const files = [...publishedRecord(named, bundle, status)].map(([path, content]) => ({
    path: `${recordPath(name)}/${path}`,
    content,
  }));
  await records.commit({
    ...{ release: name, specDigest, idempotencyKey, summary: `released ${version}` },
    propose: async (tip) => [
      ...files,
      ...(await indexChanges(tip, signer, { name, version, specCommit, releaseDigest }, signal)),
    ],
  });
}

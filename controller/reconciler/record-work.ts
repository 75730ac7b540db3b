import { composeRecord, type RecordedArch } from "../domain/compose-record.ts";
import type { Condition } from "../domain/conditions.ts";
import { ReleaseError } from "../domain/errors.ts";
import { idempotencyKey } from "../domain/idempotency-key.ts";
import { type DiffReport, failedRecord, namedFiles, publishedRecord } from "../domain/record.ts";
import {
  INDEX_FILE,
  INDEX_STATEMENT_FILE,
  indexStatement,
  nextIndex,
  parseIndex,
  serializeIndex,
} from "../domain/recorded-releases.ts";
import { RECORD_FILES } from "../domain/record-files.ts";
import { artifactsOf } from "../domain/record-manifest.ts";
import { recordPath } from "../domain/record-rules.ts";
import { parseStatus, type RecordStatus } from "../domain/record-status.ts";
import type { ReleaseFacts } from "../domain/release-facts.ts";
import { releaseStatement, releaseStatementDigest } from "../domain/release-statement.ts";
import { type FileChange, textOf } from "../domain/spec-files.ts";
import { sameStatement } from "../domain/statement.ts";
import type { TargetRef } from "../domain/target.ts";
import type { Failure } from "../domain/verdict.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { RecordRepository, RecordTree } from "../ports/record-repository.ts";
import type { Signer } from "../ports/signer.ts";
import type { CommitOutcome } from "../ports/spec-repository.ts";
import type { WrittenRecord } from "./observe-record.ts";

/** What every record says of its release. */
type Recordable = { readonly release: ReleaseFacts; readonly conditions: readonly Condition[] };

/** A published release, ready to be recorded. */
export type PublishedRelease = Recordable & {
  readonly sourceDateEpoch: number;
  readonly arches: readonly RecordedArch[];
};

/** A release that failed for ever. */
export type FailedRelease = Recordable & {
  readonly failure: Failure;
  readonly targets: readonly TargetRef[];
  /** of each arch whose runs differ */
  readonly diffs: readonly DiffReport[];
};

const statusOf = ({ release, conditions }: Recordable) => {
  const { name, version, specCommit, specDigest } = release;
  return { release: name, version, specCommit, specDigest, generation: 1, conditions: [...conditions] };
};

/** A record as changes: its files, and none that an earlier version which failed left there. */
async function recordChanges(
  tip: RecordTree,
  name: string,
  record: ReadonlyMap<string, string | Uint8Array>,
): Promise<FileChange[]> {
  const before = [...(await tip.readDirectory(recordPath(name))).keys()];
  const changes = [...record, ...before.flatMap((path) => (record.has(path) ? [] : [[path, null] as const]))];
  return changes.map(([path, content]) => ({ path: `${recordPath(name)}/${path}`, content }));
}

/**
 * Marks the end of this content (release-api.md 2.2); after a version that failed, its record is told from an older one. A
 * folder that is not there is not looked for in the history: it would be the whole of it.
 */
async function recordKey(records: RecordRepository, { repository, name, specDigest }: ReleaseFacts): Promise<string> {
  const tip = await records.tip();
  const path = recordPath(name);
  const before = (await tip.idOf(path)) === null ? null : await tip.lastCommitOf(path);
  return idempotencyKey({ repository, release: name, specDigest, step: "Record", target: before ?? "" });
}

/** The index of the tip with this release in it, and its bundle; nothing if it has it already. */
async function indexChanges(
  tip: RecordTree,
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

/** What a commit of ours left on the branch; null if more came there since, or another process was faster. */
async function writtenRecord(
  records: RecordRepository,
  { name, specDigest, version }: ReleaseFacts,
  { commit, changed }: CommitOutcome,
): Promise<WrittenRecord | null> {
  if (!changed || commit === null) return null;
  const tip = await records.tip();
  const id = tip.commit === commit ? await tip.idOf(recordPath(name)) : null;
  return id === null ? null : { id, observed: { kind: "recorded", specDigest, version, commit } };
}

/**
 * Writes the record of a published release: one signed statement over all of it, and one commit.
 * @throws ReleaseError as RecordRepository.commit; RecordInvalid if the index names another release of this name;
 * SignatureInvalid if the signer signs what its own verifier does not take: then nothing is written
 */
export async function writeRecord(
  ports: { readonly records: RecordRepository; readonly signer: Signer; readonly verifier: BundleVerifier },
  published: PublishedRelease,
  signal: AbortSignal,
): Promise<WrittenRecord | null> {
  const { records, signer, verifier } = ports;
  const { release, sourceDateEpoch, arches } = published;
  const parts = composeRecord(release, sourceDateEpoch, arches, signer.identity);
  const named = namedFiles(parts);
  const statement = releaseStatement(release, artifactsOf(parts.manifest), named);
  const bundle = await signer.signStatement(statement, signal);
  if (!sameStatement((await verifier.verifyStatement(bundle)).statement, statement)) {
    throw new ReleaseError("SignatureInvalid", "the signer signed another statement", "report this as a bug of imgrel");
  }
  const releaseDigest = releaseStatementDigest(statement);
  const { name, version, specCommit, specDigest } = release;
  const status: RecordStatus = {
    ...statusOf(published),
    targets: arches.flatMap(({ manifest, targets }) =>
      targets.map(({ variant, oci }) => ({ arch: manifest.arch, variant, published: oci })),
    ),
    published: { releaseDigest },
  };
  const record = publishedRecord(named, bundle, status);
  const outcome = await records.commit({
    ...{ release: name, specDigest, summary: `released ${version}` },
    idempotencyKey: await recordKey(records, release),
    propose: async (tip) => [
      ...(await recordChanges(tip, name, record)),
      ...(await indexChanges(tip, signer, { name, version, specCommit, releaseDigest }, signal)),
    ],
  });
  return writtenRecord(records, release, outcome);
}

/**
 * Writes the record of a release that failed for ever: its status, and what differs. Nothing is signed for it but the
 * commit, and the index, which lists what was released, does not change.
 * @throws ReleaseError as RecordRepository.commit
 */
export async function writeFailure(records: RecordRepository, failed: FailedRelease): Promise<void> {
  const { release, failure, targets, diffs } = failed;
  const { name, version, specDigest } = release;
  const status: RecordStatus = {
    ...statusOf(failed),
    targets: targets.map(({ arch, variant }) => ({ arch, variant })),
    failure,
  };
  await records.commit({
    ...{ release: name, specDigest, summary: `${version} failed: ${failure.reason}` },
    idempotencyKey: await recordKey(records, release),
    propose: async (tip) => {
      const known = await tip.readFile(`${recordPath(name)}/${RECORD_FILES.status}`);
      // another process came to its verdict first: one is enough
      if (known !== null && parseStatus(textOf(RECORD_FILES.status, known)).specDigest === specDigest) return [];
      return recordChanges(tip, name, failedRecord(status, diffs));
    },
  });
}

import { ReleaseError } from "../domain/errors.ts";
import type { ObservedRecord } from "../domain/observed.ts";
import { type PublishedRecord, readRecord } from "../domain/read-record.ts";
import { recordPath } from "../domain/record-rules.ts";
import { sameStatement } from "../domain/statement.ts";
import type { BundleVerifier } from "../ports/bundle-verifier.ts";
import type { RecordRepository } from "../ports/record-repository.ts";

/** Who vouches for a record, and the verifier that knows only that signer. */
export type VerifierFor = (record: PublishedRecord) => BundleVerifier;

/** A record that this process wrote and verified, and what names its content: there is nothing else to be found in it. */
export type WrittenRecord = { readonly id: string; readonly observed: ObservedRecord };

/**
 * What the branch holds about a release. A record counts only if its release statement is signed by the signer that
 * `verifierFor` trusts, and says exactly what stands beside it. That a release failed is signed by nobody: whoever can
 * write that there can also keep the release from being recorded, and no more.
 * @param written what was written by the one who asks, judged by the same signer
 */
export async function observeRecord(
  records: Pick<RecordRepository, "tip">,
  name: string,
  verifierFor: VerifierFor,
  written: WrittenRecord | null = null,
): Promise<ObservedRecord> {
  const tip = await records.tip();
  if (written !== null && (await tip.idOf(recordPath(name))) === written.id) return written.observed;
  const files = await tip.readDirectory(recordPath(name));
  if (files.size === 0) return { kind: "absent" };
  try {
    const { status, published, failure } = readRecord(name, files);
    const commit = (await tip.lastCommitOf(recordPath(name))) ?? "";
    if (published === null) {
      return { kind: "failed", specDigest: status.specDigest, version: status.version, commit, failure };
    }
    const { statement } = await verifierFor(published).verifyStatement(published.bundle);
    if (!sameStatement(statement, published.statement)) throw new RangeError("two statements in one bundle");
    const { specDigest, version } = published.manifest.release;
    return { kind: "recorded", specDigest, version, commit };
  } catch (error) {
    if (error instanceof ReleaseError && ["RecordInvalid", "SignatureInvalid"].includes(error.code)) {
      return { kind: "invalid", message: error.message };
    }
    throw error;
  }
}

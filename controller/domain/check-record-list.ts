import { z } from "zod";
import { Digest, digestOf } from "../../builders/contract/digest.ts";
import {
  INDEX_FILE,
  INDEX_STATEMENT_FILE,
  INDEXED_RELEASES,
  type IndexedRelease,
  indexStatement,
  type RecordIndex,
  serializeIndex,
} from "./recorded-releases.ts";
import { recordInvalid } from "./record-invalid.ts";
import { sameStatement, type Statement } from "./statement.ts";

/** The newest index that this user has verified of one repository. */
export const SeenIndex = z.strictObject({
  schemaVersion: z.literal(1),
  version: z.int().positive(),
  /** of index.json */
  digest: Digest,
});
export type SeenIndex = z.infer<typeof SeenIndex>;

/** What is remembered of an index. */
export const seenIndex = (index: RecordIndex): SeenIndex => ({
  schemaVersion: 1,
  version: index.version,
  digest: digestOf(serializeIndex(index)),
});

/**
 * Checks an index whose bundle is signed by somebody of the policy: it is what was signed, no older than what is known,
 * and names this release by its digest. An index that is full may have dropped an old release.
 * @param statement out of the verified bundle
 * @param known.seen what was verified before; null: nothing
 * @param known.minVersion oldest version to accept
 * @throws ReleaseError RecordInvalid
 */
export function checkIndex(
  index: RecordIndex,
  statement: Statement,
  release: IndexedRelease,
  known: { readonly seen: SeenIndex | null; readonly minVersion: number },
): void {
  const wrong = (field: string, why: string) => recordInvalid(INDEX_FILE, field, why);
  if (!sameStatement(statement, indexStatement(index))) {
    throw recordInvalid(INDEX_STATEMENT_FILE, "", "is not about this index");
  }
  const { version } = index;
  const { seen, minVersion } = known;
  if (version < minVersion) throw wrong("version", `is ${version}, older than ${minVersion}, which is asked for`);
  if (seen !== null && version < seen.version) {
    throw wrong("version", `is ${version}, older than ${seen.version}, which was seen before`);
  }
  if (version === seen?.version && seenIndex(index).digest !== seen.digest) {
    throw wrong("version", `is ${version}, but the index of this version that was seen before is another`);
  }
  const entry = index.releases.find(({ name }) => name === release.name);
  if (entry === undefined) {
    if (index.releases.length >= INDEXED_RELEASES) return;
    throw wrong(release.name, "is not named, though there is room for it");
  }
  for (const field of ["version", "specCommit", "releaseDigest"] as const) {
    if (entry[field] !== release[field]) {
      throw wrong(release.name, `${field} is ${entry[field]}, the record's ${release[field]}`);
    }
  }
}

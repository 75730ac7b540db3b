import { z } from "zod";
import { Digest, sha256Hex, stableJson } from "../../builders/contract/digest.ts";
import { recordInvalid, recordJson } from "./record-invalid.ts";
import { CommitId } from "./release-facts.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE } from "./statement.ts";

/** Where the index of all records stands in its repository. */
export const INDEX_FILE = "records/index.json";

/** The bundle with the statement about it. */
export const INDEX_STATEMENT_FILE = "records/index.sigstore.json";

/** How many releases an index names. */
export const INDEXED_RELEASES = 100;

export const IndexedRelease = z.strictObject({
  name: z.string().min(1),
  version: z.string().min(1),
  specCommit: CommitId,
  /** of the release statement, as releaseStatementDigest has it */
  releaseDigest: Digest,
});
export type IndexedRelease = z.infer<typeof IndexedRelease>;

/** `records/index.json`: the newest releases, newest first. Its version only ever goes up, by one. */
export const RecordIndex = z
  .strictObject({
    schemaVersion: z.literal(1),
    version: z.int().positive(),
    releases: z.array(IndexedRelease).min(1).max(INDEXED_RELEASES),
  })
  .check(({ value: { releases }, issues }) => {
    releases.forEach(({ name }, index) => {
      if (releases.findIndex((one) => one.name === name) === index) return;
      issues.push({ code: "custom", message: `${name} stands twice`, path: ["releases", index, "name"], input: name });
    });
  });
export type RecordIndex = z.infer<typeof RecordIndex>;

/**
 * The index with one more release; the same index if it names this very release already.
 * @param previous null where there is no index yet
 * @throws ReleaseError RecordInvalid if it names another release by this name: none is ever replaced
 */
export function nextIndex(previous: RecordIndex | null, release: IndexedRelease): RecordIndex {
  const known = previous?.releases.find(({ name }) => name === release.name);
  if (previous !== null && known !== undefined) {
    if (known.releaseDigest === release.releaseDigest) return previous;
    throw recordInvalid(
      INDEX_FILE,
      release.name,
      `is recorded with digest ${known.releaseDigest}, not ${release.releaseDigest}`,
    );
  }
  return {
    schemaVersion: 1,
    version: (previous?.version ?? 0) + 1,
    releases: [release, ...(previous?.releases ?? [])].slice(0, INDEXED_RELEASES),
  };
}

/** The index as it is stored. Same index, same bytes. */
export const serializeIndex = (index: RecordIndex): string => stableJson(index);

/**
 * Reads a stored index.
 * @throws ReleaseError RecordInvalid naming the field, or for a text in another form
 */
export function parseIndex(text: string): RecordIndex {
  const index = recordJson(INDEX_FILE, text, RecordIndex);
  if (serializeIndex(index) !== text) throw recordInvalid(INDEX_FILE, "", "is not in the form that imgrel writes");
  return index;
}

/** The statement about an index. Its predicate repeats the version, so that it can be told without the file. */
export const indexStatement = (index: RecordIndex): Statement => ({
  _type: STATEMENT_TYPE,
  subject: [{ name: INDEX_FILE, digest: { sha256: sha256Hex(serializeIndex(index)) } }],
  predicateType: PREDICATE.recordIndex,
  predicate: { version: index.version },
});

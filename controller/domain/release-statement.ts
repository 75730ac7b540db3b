import { type Digest, sha256Hex } from "../../builders/contract/digest.ts";
import type { ComparedArtifact } from "./comparison.ts";
import { genericPurl } from "./purl.ts";
import { isNamedByStatement, RECORD_FILES } from "./record-files.ts";
import { recordInvalid } from "./record-invalid.ts";
import type { ReleaseFacts } from "./release-facts.ts";
import { PREDICATE, type Statement, STATEMENT_TYPE, type Subject, statementDigest } from "./statement.ts";
import { artifactSubject, byName } from "./subjects.ts";

/** What a release statement is about. */
type Named = Pick<ReleaseFacts, "name" | "version">;

/** Texts or bytes of a record by path below `records/<release>/`. */
export type RecordContents = ReadonlyMap<string, string | Uint8Array>;

/** The release as its statement names it. */
export const releasePurl = ({ name, version }: Named): string => genericPurl(name, version);

const fileSubjects = (files: RecordContents): Subject[] =>
  [...files].flatMap(([path, content]) =>
    isNamedByStatement(path) ? [{ name: path, digest: { sha256: sha256Hex(content) } }] : [],
  );

/**
 * The statement that closes a release (in-toto release v0.1): every artifact by its path below the output folder, and
 * every file of the record by its path there. What is not among its subjects does not belong to the release.
 * @param files those that the statement itself and the status are not among, if they are in it
 */
export const releaseStatement = (
  release: Named,
  artifacts: readonly ComparedArtifact[],
  files: RecordContents,
): Statement => ({
  _type: STATEMENT_TYPE,
  subject: [...artifacts.map(artifactSubject), ...fileSubjects(files)].toSorted(byName),
  predicateType: PREDICATE.release,
  predicate: { purl: releasePurl(release) },
});

/** What a record index and status name a release by: the digest of its statement, as it is signed. */
export const releaseStatementDigest: (statement: Statement) => Digest = statementDigest;

/**
 * Checks a release statement against what it must be about: exactly these artifacts and these files of the record.
 * @throws ReleaseError RecordInvalid naming the first that is missing, not the same, or not the release's
 */
export function checkReleaseStatement(
  statement: Statement,
  release: Named,
  artifacts: readonly ComparedArtifact[],
  files: RecordContents,
): void {
  const wrong = (field: string, why: string) => recordInvalid(RECORD_FILES.statement, field, why);
  if (statement.predicateType !== PREDICATE.release) {
    throw wrong("predicateType", `is ${statement.predicateType}, not ${PREDICATE.release}`);
  }
  const purl = releasePurl(release);
  if (statement.predicate["purl"] !== purl) throw wrong("predicate.purl", `is not ${purl}`);
  const wanted = new Map(releaseStatement(release, artifacts, files).subject.map((one) => [one.name, one]));
  const seen = new Set<string>();
  for (const { name, digest } of statement.subject) {
    const expected = wanted.get(name)?.digest.sha256;
    if (seen.has(name)) throw wrong(`subject ${name}`, "stands twice");
    if (expected === undefined) throw wrong(`subject ${name}`, "is no file of the release");
    if (expected !== digest.sha256)
      throw wrong(`subject ${name}`, `has SHA-256 ${digest.sha256}, the file ${expected}`);
    seen.add(name);
  }
  const missing = [...wanted.keys()].find((name) => !seen.has(name));
  if (missing !== undefined) throw wrong(`subject ${missing}`, "is missing");
}

import { canonicalJson } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { manifestPath } from "./comparison.ts";
import { externalParameters, Provenance } from "./provenance.ts";
import type { PublishedRecord } from "./read-record.ts";
import { recordFilePath } from "./record-files.ts";
import { recordInvalid, recordIssue } from "./record-invalid.ts";
import { PREDICATE, type Statement } from "./statement.ts";

/** What a provenance must be about. */
export type ProvenanceSubject = { readonly arch: Arch; readonly variant: Variant; readonly run: number };

/** Where a record keeps a run's provenance. */
export const provenanceFile = (about: ProvenanceSubject): string => recordFilePath({ kind: "provenance", ...about });

const wrong = (about: ProvenanceSubject, field: string, why: string) =>
  recordInvalid(provenanceFile(about), field, why);

/** The files of a variant and the manifest of its arch, as the record names them: name to SHA-256. */
export function filesOfVariant(record: PublishedRecord, arch: Arch, variant: Variant): ReadonlyMap<string, string> {
  return new Map(
    record.artifacts
      .filter(({ path }) => path.startsWith(`${arch}/${variant}/`) || path === manifestPath(arch))
      .map(({ path, sha256 }) => [path, sha256]),
  );
}

/**
 * Checks a statement's subjects: exactly these files, each once.
 * @returns what is wrong; null if nothing is
 */
export function subjectFault(statement: Statement, files: ReadonlyMap<string, string>): string | null {
  const seen = new Set<string>();
  for (const { name, digest } of statement.subject) {
    if (seen.has(name)) return `${name} stands twice`;
    seen.add(name);
    if (!files.has(name)) return `${name} is no file of it`;
    if (files.get(name) !== digest.sha256) return `${name} has SHA-256 ${digest.sha256}, the record ${files.get(name)}`;
  }
  const missing = [...files.keys()].find((name) => !seen.has(name));
  return missing === undefined ? null : `${missing} is missing`;
}

/**
 * Checks one run's provenance, whose signature is known to be good: what it is about, what was asked for, and by whom,
 * against the record (trust.md 2.3, step 5). The inputs that it names are checkInputs' to judge.
 * @param builderIds builders that its signer may speak for
 * @throws ReleaseError RecordInvalid
 */
export function checkProvenance(
  record: PublishedRecord,
  about: ProvenanceSubject,
  statement: Statement,
  builderIds: readonly string[],
): Provenance {
  const { arch, variant } = about;
  if (statement.predicateType !== PREDICATE.provenance) throw wrong(about, "predicateType", "is no SLSA provenance");
  const parsed = Provenance.safeParse(statement.predicate);
  if (!parsed.success) throw recordIssue(provenanceFile(about), parsed.error);
  const { buildDefinition, runDetails } = parsed.data;
  const asked = externalParameters(record.manifest.release, arch, variant);
  if (canonicalJson(buildDefinition.externalParameters) !== canonicalJson(asked)) {
    throw wrong(about, "externalParameters", "are not those of the release");
  }
  if (!builderIds.includes(runDetails.builder.id)) {
    throw wrong(about, "builder.id", `is ${runDetails.builder.id}, which its signer may not speak for`);
  }
  if (buildDefinition.internalParameters["run"] !== about.run) throw wrong(about, "run", "is another one's");
  const subjects = subjectFault(statement, filesOfVariant(record, arch, variant));
  if (subjects !== null) throw wrong(about, "subject", subjects);
  return parsed.data;
}

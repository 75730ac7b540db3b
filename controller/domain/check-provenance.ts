import { canonicalJson } from "../../builders/contract/digest.ts";
import type { Lock } from "../../builders/contract/lock.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { manifestPath } from "./comparison.ts";
import { externalParameters, Provenance } from "./provenance.ts";
import type { PublishedRecord } from "./read-record.ts";
import { recordInvalid } from "./record-invalid.ts";
import { PREDICATE, type Statement } from "./statement.ts";

/** What a provenance must be about. */
export type ProvenanceSubject = { readonly arch: Arch; readonly variant: Variant; readonly run: number };

/** Throws RecordInvalid that names the provenance and what is wrong with it. */
const wrong = ({ arch, variant, run }: ProvenanceSubject, field: string, why: string) =>
  recordInvalid(`provenance/${arch}/${variant}.run-${run}.sigstore.json`, field, why);

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

/** Digests that stand in dependencies of one name. */
const digestsOf = (dependencies: Provenance["buildDefinition"]["resolvedDependencies"], name: string): string[] =>
  dependencies.filter((one) => one.name === name).flatMap(({ digest }) => digest?.["sha256"] ?? []);

/**
 * Checks one run's provenance, whose signature is known to be good: what it is about, what was asked for, and the inputs
 * that it names, against the record and, where they are given, the locks (trust.md 2.3, steps 5 and 6).
 * @param builderIds builders that its signer may speak for
 * @returns the builder's ID
 * @throws ReleaseError RecordInvalid
 */
export function checkProvenance(
  record: PublishedRecord,
  about: ProvenanceSubject,
  statement: Statement,
  builderIds: readonly string[],
  locks: { readonly lock: Lock; readonly toolchain: Lock } | null,
): string {
  const { arch, variant } = about;
  if (statement.predicateType !== PREDICATE.provenance) throw wrong(about, "predicateType", "is no SLSA provenance");
  const parsed = Provenance.safeParse(statement.predicate);
  if (!parsed.success)
    throw wrong(about, parsed.error.issues[0]?.path.join(".") ?? "", parsed.error.issues[0]?.message ?? "");
  const { buildDefinition, runDetails } = parsed.data;
  const { release } = record.manifest;
  const asked = externalParameters(release, arch, variant);
  if (canonicalJson(buildDefinition.externalParameters) !== canonicalJson(asked)) {
    throw wrong(about, "externalParameters", "are not those of the release");
  }
  if (!builderIds.includes(runDetails.builder.id)) {
    throw wrong(about, "builder.id", `is ${runDetails.builder.id}, which its signer may not speak for`);
  }
  if (buildDefinition.internalParameters["run"] !== about.run) throw wrong(about, "run", "is another one's");
  const subjects = subjectFault(statement, filesOfVariant(record, arch, variant));
  if (subjects !== null) throw wrong(about, "subject", subjects);
  const of = record.manifest.arches[arch];
  const dependencies = buildDefinition.resolvedDependencies;
  const spec = dependencies.find(({ name }) => name === "spec")?.digest?.["gitCommit"];
  if (spec !== release.specCommit) throw wrong(about, "resolvedDependencies", `the spec's commit is ${spec}`);
  for (const [name, digest] of [
    ["lock", of?.lock],
    ["toolchain-lock", of?.toolchainLock],
  ] as const) {
    if (digest !== `sha256:${digestsOf(dependencies, name).join()}`) {
      throw wrong(about, "resolvedDependencies", `${name} is not the record's`);
    }
  }
  const debs = digestsOf(dependencies, "deb").toSorted();
  if (locks !== null && debs.length > 0) {
    const wanted = [...locks.lock.packages, ...locks.toolchain.packages].map(({ sha256 }) => sha256).toSorted();
    if (canonicalJson(debs) !== canonicalJson(wanted)) {
      throw wrong(about, "resolvedDependencies", "the packages are not those of the locks");
    }
  }
  return runDetails.builder.id;
}

import { canonicalJson } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { filesOfVariant, subjectFault } from "./check-provenance.ts";
import type { ProvenRun } from "./check-quorum.ts";
import { oneLine } from "./format.ts";
import type { Policy } from "./policy.ts";
import { externalParameters, Provenance } from "./provenance.ts";
import type { PublishedRecord } from "./read-record.ts";
import { recordFileOf } from "./record-files.ts";
import { REBUILDS_FOLDER } from "./record-rules.ts";
import type { SpecFiles } from "./spec-files.ts";
import { PREDICATE, type Statement } from "./statement.ts";
import { targetName } from "./target.ts";

/** Folder of what others made of a release; below it one folder per operator (trust.md 2.1). */
export const rebuildsPath = (release: string): string => `${REBUILDS_FOLDER}/${release}`;

/** A provenance that somebody who built a release again left in its repository. Nothing of it is verified. */
export type Rebuild = {
  /** its path below {@link rebuildsPath} */
  readonly file: string;
  /** who it claims to be by */
  readonly operator: string;
  readonly arch: Arch;
  readonly variant: Variant;
  readonly content: Uint8Array;
};

/** The provenances in `<operator>/provenance/<arch>/<variant>.run-<n>.sigstore.json`. Anything else proves nothing. */
export const rebuildsIn = (files: SpecFiles): readonly Rebuild[] =>
  [...files].flatMap(([file, content]) => {
    const end = file.indexOf("/");
    const about = recordFileOf(file.slice(end + 1));
    if (end < 0 || about?.kind !== "provenance") return [];
    const { arch, variant } = about;
    return [{ file, operator: file.slice(0, end), arch, variant, content }];
  });

/** What a rebuild comes to; `why` says in a clause why it does not count. */
export type RebuildVerdict =
  | { readonly kind: "same"; readonly run: ProvenRun }
  /** signed by somebody who is believed, of the same release, and other bytes */
  | { readonly kind: "mismatch"; readonly operator: string; readonly why: string }
  | { readonly kind: "left-out"; readonly why: string };

type Dependencies = Provenance["buildDefinition"]["resolvedDependencies"];

/** What a build was made from, by name and digest: where it was downloaded from is no part of that. */
const madeFrom = (dependencies: Dependencies): string =>
  dependencies
    .map(({ name, digest = {} }) => canonicalJson({ name, digest }))
    .toSorted()
    .join("\n");

/**
 * Judges a rebuild whose signature is known to be good, by the rule of trust.md 3: the same subjects, build type,
 * external parameters and inputs as the release's own run of that target.
 * @param own dependencies of the release's own run of the target, which were checked; null: there is no such target
 */
export function judgeRebuild(
  record: PublishedRecord,
  rebuild: Rebuild,
  statement: Statement,
  signer: Pick<Policy["signers"][number], "operator" | "builderIds">,
  own: Dependencies | null,
): RebuildVerdict {
  const { arch, variant } = rebuild;
  const leftOut = (why: string): RebuildVerdict => ({ kind: "left-out", why });
  const parsed = Provenance.safeParse(statement.predicate);
  if (statement.predicateType !== PREDICATE.provenance || !parsed.success) return leftOut("is no provenance of ours");
  const { buildDefinition, runDetails } = parsed.data;
  if (!signer.builderIds.includes(runDetails.builder.id)) return leftOut("names a builder that is not its signer's");
  const asked = externalParameters(record.manifest.release, arch, variant);
  if (own === null || canonicalJson(buildDefinition.externalParameters) !== canonicalJson(asked)) {
    return leftOut("is about something else");
  }
  const { operator } = signer;
  const different = subjectFault(statement, filesOfVariant(record, arch, variant));
  if (different !== null) return { kind: "mismatch", operator, why: different };
  if (operator !== rebuild.operator) return leftOut(`is by ${operator}`);
  if (madeFrom(buildDefinition.resolvedDependencies) !== madeFrom(own)) return leftOut("was made from other inputs");
  return { kind: "same", run: { target: targetName(rebuild), invocation: runDetails.metadata.invocationId, operator } };
}

/** The policy's word that an operator's other bytes of a release are known and accepted. */
export const isWaived = ({ waivers = [] }: Policy, release: string, operator: string): boolean =>
  waivers.some((waiver) => waiver.release === release && waiver.operator === operator);

/** What is left out, for one line: the first few, and how many more. */
export function leftOutText(leftOut: readonly string[]): string {
  const shown = leftOut.slice(0, 3).map(oneLine);
  const more = leftOut.length > shown.length ? [`and ${leftOut.length - shown.length} more`] : [];
  return shown.length === 0 ? "" : `; not counted: ${[...shown, ...more].join(", ")}`;
}

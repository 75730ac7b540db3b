import { stringify } from "yaml";
import { z } from "zod";
import { canonicalJson, Digest } from "../../builders/contract/digest.ts";
import { Arch, Variant } from "../../builders/contract/variant.ts";
import { Condition, CONDITION_TYPES } from "./conditions.ts";
import { PublishedManifest } from "./record-manifest.ts";
import { RECORD_FILES } from "./record-files.ts";
import { recordInvalid, recordIssue } from "./record-invalid.ts";
import { CommitId } from "./release-facts.ts";
import { Failure } from "./verdict.ts";
import { readYaml } from "./yaml-document.ts";

/**
 * `status.yaml`: how a release ended, for people and for `imgrel status`. It is not signed; what matters of it stands in
 * the signed files too.
 */
export const RecordStatus = z
  .strictObject({
    /** metadata.name and spec.version of the release */
    release: z.string().min(1),
    version: z.string().min(1),
    specCommit: CommitId,
    specDigest: Digest,
    /** metadata.generation of the object; 1 for the local process */
    generation: z.int().positive(),
    conditions: z.array(Condition),
    targets: z.array(
      z.strictObject({
        arch: Arch,
        variant: Variant,
        /** left out for a target that is not published */
        published: PublishedManifest.exactOptional(),
      }),
    ),
    /** left out for a release that is not published; `index` only with an oci target */
    published: z.strictObject({ releaseDigest: Digest, index: PublishedManifest.exactOptional() }).exactOptional(),
    /** why it failed for ever; left out for a release that is published */
    failure: Failure.exactOptional(),
  })
  .check(({ value: { conditions, targets, published, failure }, issues }) => {
    const complain = (path: (string | number)[], message: string) =>
      issues.push({ code: "custom", message, path, input: path });
    if ((published === undefined) === (failure === undefined)) complain(["failure"], "stands where published does not");
    conditions.forEach(({ type }, index) => {
      if (conditions.findIndex((one) => one.type === type) < index) complain(["conditions", index], "stands twice");
    });
    targets.forEach(({ arch, variant }, index) => {
      const first = targets.findIndex((one) => one.arch === arch && one.variant === variant);
      if (first < index) complain(["targets", index], "stands twice");
    });
  });
export type RecordStatus = z.infer<typeof RecordStatus>;

const targetKey = ({ arch, variant }: RecordStatus["targets"][number]): string => `${arch}/${variant}`;

/** The status as it is stored: sorted keys, conditions and targets in a fixed order. Same status, same bytes. */
export function serializeStatus(status: RecordStatus): string {
  const { conditions, targets } = status;
  const ordered: RecordStatus = {
    ...status,
    conditions: conditions.toSorted((a, b) => CONDITION_TYPES.indexOf(a.type) - CONDITION_TYPES.indexOf(b.type)),
    targets: targets.toSorted((a, b) => (targetKey(a) < targetKey(b) ? -1 : 1)),
  };
  return stringify(JSON.parse(canonicalJson(ordered)), { aliasDuplicateObjects: false, lineWidth: 0 });
}

/**
 * Reads a stored status.
 * @throws ReleaseError RecordInvalid naming the field
 */
export function parseStatus(text: string): RecordStatus {
  const file = RECORD_FILES.status;
  const read = readYaml(text, file);
  if (!read.ok) {
    const [problem] = read.problems;
    throw recordInvalid(`${file}:${problem?.line}`, problem?.path ?? "", problem?.message ?? "is not YAML");
  }
  const parsed = RecordStatus.safeParse(read.document.value);
  if (parsed.success) return parsed.data;
  throw recordIssue(file, parsed.error);
}

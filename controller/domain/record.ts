import { stableJson } from "../../builders/contract/digest.ts";
import type { Arch, Variant } from "../../builders/contract/variant.ts";
import type { ComparisonReport } from "./comparison-report.ts";
import { comparisonText } from "./comparison-text.ts";
import { RECORD_FILES, recordFilePath } from "./record-files.ts";
import { artifactsOf, type RecordManifest, serializeManifest } from "./record-manifest.ts";
import { type RecordStatus, serializeStatus } from "./record-status.ts";
import { serializeSums } from "./sums.ts";

/** A Sigstore bundle: JSON text, or its bytes. */
type Bundle = string | Uint8Array;

/** A signed statement about one variant. */
export type VariantBundle<B extends Bundle = string> = {
  readonly arch: Arch;
  readonly variant: Variant;
  readonly bundle: B;
};

/** The bills of materials of one arch, and the bundle with the statement about them. */
export type SbomFiles<B extends Bundle = string> = {
  readonly arch: Arch;
  readonly spdx: string;
  readonly cyclonedx: string;
  readonly bundle: B;
};

/** A report about an arch whose runs differ: the comparator's, as JSON and for people. */
export type DiffReport = { readonly arch: Arch; readonly json: string; readonly text: string };

/** A comparator's report as it stands in a record. */
export const diffReport = (report: ComparisonReport): DiffReport => ({
  ...{ arch: report.arch, json: stableJson(report), text: comparisonText(report) },
});

/** Everything of a record that the release statement names. */
export type RecordParts<B extends Bundle = string> = {
  readonly manifest: RecordManifest;
  /** one of each run */
  readonly provenance: readonly (VariantBundle<B> & { readonly run: number })[];
  readonly tests: readonly VariantBundle<B>[];
  readonly sboms: readonly SbomFiles<B>[];
  /** only where the class publishes what is not reproduced */
  readonly diffs: readonly DiffReport[];
};

const diffFiles = (diffs: readonly DiffReport[]) =>
  diffs.flatMap(({ arch, json, text }) => [
    [recordFilePath({ kind: "diff", arch, format: "json" }), json] as const,
    [recordFilePath({ kind: "diff", arch, format: "txt" }), text] as const,
  ]);

/** SHA256SUMS of a release: `sha256sum -c` takes it in the folder that holds `<arch>/<variant>/<file>`. */
export const recordSums = (manifest: RecordManifest): string => serializeSums(artifactsOf(manifest));

/** The files that the release statement names, by path below `records/<release>/`. Sign it over these. */
export const namedFiles = <B extends Bundle>({
  manifest,
  provenance,
  tests,
  sboms,
  diffs,
}: RecordParts<B>): ReadonlyMap<string, string | B> =>
  new Map<string, string | B>([
    [RECORD_FILES.sums, recordSums(manifest)],
    [RECORD_FILES.manifest, serializeManifest(manifest)],
    ...provenance.map((one) => [recordFilePath({ kind: "provenance", ...one }), one.bundle] as const),
    ...tests.map((one) => [recordFilePath({ kind: "tests", ...one }), one.bundle] as const),
    ...sboms.flatMap(({ arch, spdx, cyclonedx, bundle }) => [
      [recordFilePath({ kind: "sbom", arch, format: "spdx" }), spdx] as const,
      [recordFilePath({ kind: "sbom", arch, format: "cdx" }), cyclonedx] as const,
      [recordFilePath({ kind: "sbom", arch, format: "sigstore" }), bundle] as const,
    ]),
    ...diffFiles(diffs),
  ]);

/** All files of the record of a published release. `statement` is the bundle with the release statement. */
export const publishedRecord = <B extends Bundle>(
  named: ReadonlyMap<string, B>,
  statement: string,
  status: RecordStatus,
): ReadonlyMap<string, string | B> =>
  new Map<string, string | B>([
    ...named,
    [RECORD_FILES.statement, statement],
    [RECORD_FILES.status, serializeStatus(status)],
  ]);

/** All files of the record of a release that was not published: its status, and what differed if that was why. */
export const failedRecord = (status: RecordStatus, diffs: readonly DiffReport[]): ReadonlyMap<string, string> =>
  new Map([[RECORD_FILES.status, serializeStatus(status)], ...diffFiles(diffs)]);

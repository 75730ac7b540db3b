import { ARCHES, type Arch, type Variant } from "../../builders/contract/variant.ts";
import { unverifiedStatement } from "./bundle-statement.ts";
import type { ComparedArtifact } from "./comparison.ts";
import { type DiffReport, type RecordParts, recordSums, type SbomFiles, type VariantBundle } from "./record.ts";
import { type RecordFile, RECORD_FILES, recordFileOf, recordFilePath } from "./record-files.ts";
import { recordInvalid, recordText } from "./record-invalid.ts";
import { artifactsOf, parseManifest, type RecordManifest } from "./record-manifest.ts";
import { parseStatus, type RecordStatus } from "./record-status.ts";
import { checkReleaseStatement } from "./release-statement.ts";
import type { SpecFiles } from "./spec-files.ts";
import type { Statement } from "./statement.ts";
import type { Failure } from "./verdict.ts";

/** What the record of a published release holds. Nothing of it is verified: bundles are texts, for a BundleVerifier. */
export type PublishedRecord = RecordParts & {
  /** the bundle with the release statement, and what it says */
  readonly bundle: string;
  readonly statement: Statement;
  /** all files of the release, as manifest.json and SHA256SUMS name them */
  readonly artifacts: readonly ComparedArtifact[];
  readonly vsas: readonly VariantBundle[];
};

/** A record as it stands in the repository. */
export type ReleaseRecord = (
  | { readonly published: PublishedRecord; readonly failure: null }
  /** of a release that failed, and was not published */
  | { readonly published: null; readonly failure: Failure }
) & {
  readonly status: RecordStatus;
  /** where runs differ */
  readonly diffs: readonly DiffReport[];
  /** the bundle that takes the release back; null if none does */
  readonly revocation: string | null;
};

type Texts = ReadonlyMap<string, { readonly file: RecordFile; readonly text: string }>;

/** Every file as text, by path; anything that a record does not have is refused. */
function textsOf(files: SpecFiles): Texts {
  return new Map(
    [...files].map(([path, content]) => {
      const file = recordFileOf(path);
      if (file === null) throw recordInvalid(path, "", "is no file of a record");
      return [path, { file, text: recordText(path, content) }];
    }),
  );
}

function required(texts: Texts, path: string): string {
  const found = texts.get(path);
  if (found !== undefined) return found.text;
  throw recordInvalid(path, "", "is missing");
}

/** A bundle's text, once there is a statement in it. */
function bundleIn(path: string, text: string): string {
  unverifiedStatement(path, text);
  return text;
}

const provenanceOf = (texts: Texts): RecordParts["provenance"] =>
  [...texts].flatMap(([path, { file, text }]) => {
    if (file.kind !== "provenance") return [];
    const { arch, variant, run } = file;
    return [{ arch, variant, run, bundle: bundleIn(path, text) }];
  });

const variantBundles = (texts: Texts, kind: "tests" | "vsa"): VariantBundle[] =>
  [...texts].flatMap(([path, { file, text }]) => {
    if (file.kind !== kind) return [];
    const { arch, variant } = file;
    return [{ arch, variant, bundle: bundleIn(path, text) }];
  });

/** `<arch>/<variant>` of every target. */
const targetsOf = (manifest: RecordManifest): [Arch, Variant][] =>
  Object.keys(manifest.targets).map((key) => key.split("/") as [Arch, Variant]);

/** What a manifest promises that the record does not hold, or the other way round. */
function checkComplete(texts: Texts, manifest: RecordManifest): void {
  const targets = targetsOf(manifest);
  const named = new Set(Object.keys(manifest.targets));
  for (const [arch, variant] of targets) {
    if (manifest.arches[arch] === undefined) {
      throw recordInvalid(RECORD_FILES.manifest, `targets["${arch}/${variant}"]`, `there is no entry for ${arch}`);
    }
    for (let run = 1; run <= manifest.gate.runs; run += 1) {
      required(texts, recordFilePath({ kind: "provenance", arch, variant, run }));
    }
  }
  for (const [path, { file }] of texts) {
    const target = "variant" in file ? `${file.arch}/${file.variant}` : undefined;
    if (target !== undefined && !named.has(target)) throw recordInvalid(path, "", `the release has no ${target}`);
    if (file.kind === "provenance" && file.run > manifest.gate.runs) {
      throw recordInvalid(path, "", `the release has ${manifest.gate.runs} runs`);
    }
    if ("arch" in file && manifest.arches[file.arch] === undefined) {
      throw recordInvalid(path, "", `the release has nothing for ${file.arch}`);
    }
  }
}

function sbomsOf(texts: Texts, manifest: RecordManifest): SbomFiles[] {
  return ARCHES.filter((arch) => manifest.arches[arch] !== undefined).map((arch) => {
    const text = (format: "spdx" | "cdx" | "sigstore") =>
      required(texts, recordFilePath({ kind: "sbom", arch, format }));
    const bundle = bundleIn(recordFilePath({ kind: "sbom", arch, format: "sigstore" }), text("sigstore"));
    return { arch, spdx: text("spdx"), cyclonedx: text("cdx"), bundle };
  });
}

const diffsOf = (texts: Texts): DiffReport[] =>
  ARCHES.flatMap((arch) => {
    const json = recordFilePath({ kind: "diff", arch, format: "json" });
    const text = recordFilePath({ kind: "diff", arch, format: "txt" });
    return texts.has(json) || texts.has(text)
      ? [{ arch, json: required(texts, json), text: required(texts, text) }]
      : [];
  });

/** The manifest and the status say the same of what both name. */
function checkSameRelease({ release }: RecordManifest, status: RecordStatus, folder: string): void {
  const pairs = [
    ["release", release.name, status.release],
    ["version", release.version, status.version],
    ["specCommit", release.specCommit, status.specCommit],
    ["specDigest", release.specDigest, status.specDigest],
    ["release", folder, status.release],
  ] as const;
  const different = pairs.find(([, signed, said]) => signed !== said);
  if (different === undefined) return;
  throw recordInvalid(RECORD_FILES.status, different[0], `is ${different[2]}, but the record is of ${different[1]}`);
}

/**
 * Reads a release's record and checks that it is whole and of one piece: known files only, in their form, everything
 * that the manifest promises, sums and release statement exactly about these files. Signatures are not checked, and so
 * it proves nothing yet.
 * @param name of the release, which is that of the folder
 * @param files by path below `records/<name>/`
 * @throws ReleaseError RecordInvalid naming file and field
 */
export function readRecord(name: string, files: SpecFiles): ReleaseRecord {
  const texts = textsOf(files);
  const status = parseStatus(required(texts, RECORD_FILES.status));
  const revocation = texts.get(RECORD_FILES.revocation)?.text ?? null;
  if (!texts.has(RECORD_FILES.statement)) {
    const signed = [...texts].find(([, { file }]) => file.kind !== "status" && file.kind !== "diff");
    if (signed !== undefined)
      throw recordInvalid(RECORD_FILES.statement, "", `is missing, though there is ${signed[0]}`);
    if (status.release !== name)
      throw recordInvalid(RECORD_FILES.status, "release", `is ${status.release}, not ${name}`);
    const { failure } = status;
    if (failure === undefined)
      throw recordInvalid(RECORD_FILES.statement, "", "is missing, though the release is said to be published");
    return { status, published: null, failure, diffs: diffsOf(texts), revocation };
  }
  if (status.failure !== undefined)
    throw recordInvalid(RECORD_FILES.status, "failure", "stands in the record of a release that is published");
  const manifest = parseManifest(required(texts, RECORD_FILES.manifest));
  checkSameRelease(manifest, status, name);
  checkComplete(texts, manifest);
  const artifacts = artifactsOf(manifest);
  if (required(texts, RECORD_FILES.sums) !== recordSums(manifest)) {
    throw recordInvalid(RECORD_FILES.sums, "", `does not have the files of ${RECORD_FILES.manifest}`);
  }
  const bundle = required(texts, RECORD_FILES.statement);
  const statement = unverifiedStatement(RECORD_FILES.statement, bundle);
  checkReleaseStatement(statement, manifest.release, artifacts, files);
  const parts = {
    manifest,
    provenance: provenanceOf(texts),
    tests: variantBundles(texts, "tests"),
    vsas: variantBundles(texts, "vsa"),
    sboms: sbomsOf(texts, manifest),
    diffs: diffsOf(texts),
  };
  return {
    status,
    published: { ...parts, bundle, statement, artifacts },
    failure: null,
    diffs: parts.diffs,
    revocation,
  };
}

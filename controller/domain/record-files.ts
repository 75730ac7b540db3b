import { ARCHES, type Arch, VARIANTS, type Variant } from "../../builders/contract/variant.ts";

/** The files of a record that there is one of (trust.md 2.1), by what they are. */
export const RECORD_FILES = {
  status: "status.yaml",
  statement: "release.sigstore.json",
  sums: "SHA256SUMS",
  manifest: "manifest.json",
  revocation: "revocation.sigstore.json",
} as const;

/** A file of a record, by what it is. */
export type RecordFile =
  | { readonly kind: keyof typeof RECORD_FILES }
  | { readonly kind: "provenance"; readonly arch: Arch; readonly variant: Variant; readonly run: number }
  | { readonly kind: "tests" | "vsa"; readonly arch: Arch; readonly variant: Variant }
  | { readonly kind: "sbom"; readonly arch: Arch; readonly format: "spdx" | "cdx" | "sigstore" }
  | { readonly kind: "diff"; readonly arch: Arch; readonly format: "json" | "txt" };

const ARCH = `(?<arch>${ARCHES.join("|")})`;
const VARIANT = `(?<variant>${VARIANTS.join("|")})`;

const SINGLE = new Map(
  Object.entries(RECORD_FILES).map(([kind, path]) => [path as string, kind as keyof typeof RECORD_FILES]),
);
const PROVENANCE = new RegExp(`^provenance/${ARCH}/${VARIANT}\\.run-(?<run>[1-9][0-9]?)\\.sigstore\\.json$`);
const PER_VARIANT = new RegExp(`^(?<kind>tests|vsa)/${ARCH}/${VARIANT}\\.sigstore\\.json$`);
const SBOM = new RegExp(`^sbom/${ARCH}\\.(?<format>spdx|cdx|sigstore)\\.json$`);
const DIFF = new RegExp(`^diff/${ARCH}\\.(?<format>json|txt)$`);

/** What a path below `records/<release>/` is; null for anything that a record does not have. */
export function recordFileOf(path: string): RecordFile | null {
  const kind = SINGLE.get(path);
  if (kind !== undefined) return { kind };
  const groups = [PROVENANCE, PER_VARIANT, SBOM, DIFF].map((pattern) => pattern.exec(path)?.groups);
  const [provenance, perVariant, sbom, diff] = groups as (Record<string, string> | undefined)[];
  if (provenance !== undefined) {
    const { arch, variant, run } = provenance as { arch: Arch; variant: Variant; run: string };
    return { kind: "provenance", arch, variant, run: Number(run) };
  }
  if (perVariant !== undefined) return { ...perVariant } as RecordFile;
  if (sbom !== undefined) return { kind: "sbom", ...sbom } as RecordFile;
  return diff === undefined ? null : ({ kind: "diff", ...diff } as RecordFile);
}

/** Where a file of a record stands, below `records/<release>/`. */
export function recordFilePath(file: RecordFile): string {
  switch (file.kind) {
    case "provenance":
      return `provenance/${file.arch}/${file.variant}.run-${file.run}.sigstore.json`;
    case "tests":
    case "vsa":
      return `${file.kind}/${file.arch}/${file.variant}.sigstore.json`;
    case "sbom":
      return `sbom/${file.arch}.${file.format}.json`;
    case "diff":
      return `diff/${file.arch}.${file.format}`;
    case "status":
    case "statement":
    case "sums":
    case "manifest":
    case "revocation":
      return RECORD_FILES[file.kind];
  }
}

/** Files that the release statement does not name: itself, and what may still change. */
const UNNAMED: readonly string[] = [RECORD_FILES.status, RECORD_FILES.statement, RECORD_FILES.revocation];

/** Whether the release statement has this file of a record among its subjects. */
export const isNamedByStatement = (path: string): boolean => !UNNAMED.includes(path);

import type { Arch, Variant } from "../../builders/contract/variant.ts";
import { IMG_VARIANTS } from "../../builders/contract/variant.ts";

/** One thing that a release has to make. */
export type TargetRef = { readonly arch: Arch; readonly variant: Variant };

/** How a target is called in messages, references and paths: `amd64/raw`. */
export const targetName = ({ arch, variant }: TargetRef): string => `${arch}/${variant}`;

/**
 * A signed document about a target. `provenance-run-<n>` and `tests` and `sbom` are statements; `image` is a signature
 * over the disk image itself and `platform` the statement that the platform's ingest reads.
 */
export type DocumentName = `provenance-run-${number}` | "tests" | "sbom" | "image" | "platform";

/** What must be signed about a target; `tests` only if it was booted. */
export const documentsFor = (
  { variant }: TargetRef,
  { runs, booted }: { readonly runs: number; readonly booted: boolean },
): readonly DocumentName[] => [
  ...Array.from({ length: runs }, (_, index): DocumentName => `provenance-run-${index + 1}`),
  ...(booted ? (["tests"] as const) : []),
  "sbom",
  ...(IMG_VARIANTS.includes(variant) ? (["image", "platform"] as const) : []),
];

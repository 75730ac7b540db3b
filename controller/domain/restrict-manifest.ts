import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import type { Variant } from "../../builders/contract/variant.ts";

/**
 * A manifest that speaks of one variant only, as a local command-line build leaves it beside the variant's files. What
 * it says of the root stays, digests of files that are not beside it: they tell which root the variant was made from.
 */
export const restrictManifest = (manifest: BuildManifest, variant: Variant): BuildManifest => ({
  ...manifest,
  variants: [variant],
  artifacts: Object.fromEntries(
    Object.entries(manifest.artifacts).filter(([path]) => path.startsWith(`${manifest.arch}/${variant}/`)),
  ),
});

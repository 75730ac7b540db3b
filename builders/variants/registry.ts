import type { Variant } from "../contract/variant.ts";
import { kernelInitrd } from "./kernel-initrd.ts";
import type { VariantMaker } from "./variant-maker.ts";

/** The variants that this builder makes. */
export const MAKERS: ReadonlyMap<Variant, VariantMaker> = new Map<Variant, VariantMaker>([
  ["kernel-initrd", kernelInitrd],
]);

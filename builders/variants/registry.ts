import type { Variant } from "../contract/variant.ts";
import { kernelInitrd } from "./kernel-initrd.ts";
import { qcow2 } from "./qcow2.ts";
import { raw } from "./raw.ts";
import type { VariantMaker } from "./variant-maker.ts";

/** The variants that this builder makes. */
export const MAKERS: ReadonlyMap<Variant, VariantMaker> = new Map<Variant, VariantMaker>([
  ["kernel-initrd", kernelInitrd],
  ["raw", raw],
  ["qcow2", qcow2],
]);

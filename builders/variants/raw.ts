import { link } from "node:fs/promises";
import { join } from "node:path";
import type { VariantMaker } from "./variant-maker.ts";

/** The disk as it is, to be written to a block device; boots under BIOS (amd64) and UEFI. */
export const raw: VariantMaker = async (_context, ingredients, folder) => {
  await link(await ingredients.disk(), join(folder, "installer.img"));
  return ["installer.img"];
};

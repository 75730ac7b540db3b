import { join } from "node:path";
import { makeQcow2 } from "../steps/qcow2.ts";
import type { VariantMaker } from "./variant-maker.ts";

/** The same disk as raw, in the format of hypervisors and clouds. */
export const qcow2: VariantMaker = async (context, ingredients, folder) => {
  await makeQcow2(context, await ingredients.disk(), join(folder, "cloud.qcow2"));
  return ["cloud.qcow2"];
};

import { join } from "node:path";
import { hashFile } from "../host/hash-file.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/**
 * - `--use-epoch`: all times are 0; a run's own would make each digest another one
 * - both versions: the format may not rise by itself. 0 is what mkcomposefs takes for a root without overlay whiteouts
 * - one thread: the digests of a root take less than a second, and the root image beside it takes longer
 *
 * Without `--digest-store` no file is copied. Owners, modes and attributes are as installed; attributes are read by way
 * of /proc, without which it fails.
 */
export const COMPOSEFS_OPTIONS: readonly string[] = [
  "--use-epoch",
  "--min-version=0",
  "--max-version=0",
  "--threads=1",
];

/**
 * Writes the composefs image of `<work>/root` to `path`: the tree, and each file's fs-verity digest in place of its
 * content (mkcomposefs(1)). The image's own fs-verity digest is the composefs digest.
 * @throws BuildError StepFailed
 */
export async function makeComposefs(context: StepContext, path: string) {
  const outcome = await runTool(context, {
    step: "composefs",
    program: "mkcomposefs",
    args: [...COMPOSEFS_OPTIONS, join(context.work, "root"), path],
  });
  await perturb(context, "composefs", path);
  return { hash: await hashFile(path), outcome };
}

import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/**
 * A raw disk image as qcow2: version 3, 64 KiB clusters, holes left out, no backing file. One writer in order
 * (`-W` would let clusters land as they come), so the same disk gives the same bytes.
 * @throws BuildError as runTool
 */
export async function makeQcow2(context: StepContext, raw: string, output: string): Promise<void> {
  const options = "compat=1.1,cluster_size=65536,lazy_refcounts=off,extended_l2=off,preallocation=off";
  await runTool(context, {
    step: "qcow2",
    program: "qemu-img",
    args: ["convert", "-f", "raw", "-O", "qcow2", "-S", "64k", "-m", "1", "-o", options, raw, output],
  });
  await perturb(context, "qcow2", output);
}

import { access } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { StepContext } from "./tool.ts";

/** A kernel inside the installed root. `version` is what `uname -r` prints when it runs. */
export type Kernel = { readonly version: string; readonly image: string; readonly modules: string };

/** Version of the kernel that a package holds, by the package's name. */
export const kernelVersionOf = (kernelPackage: string): string =>
  kernelPackage.replace(/^linux-image-(unsigned-)?/, "");

/**
 * The kernel that the release names: never the newest one found, never the build host's.
 * @throws BuildError OutputInvalid if the package did not bring its image and its modules
 */
export async function findKernel(context: StepContext, kernelPackage: string): Promise<Kernel> {
  const version = kernelVersionOf(kernelPackage);
  const root = join(context.work, "root");
  const kernel = {
    version,
    image: join(root, `boot/vmlinuz-${version}`),
    modules: join(root, "usr/lib/modules", version),
  };
  for (const path of [kernel.image, join(kernel.modules, "modules.dep")]) {
    await access(path).catch((cause: unknown) => {
      throw new BuildError(
        {
          code: "OutputInvalid",
          step: "root",
          message: `${kernelPackage} is installed, but ${path.slice(root.length)} is not there`,
          remedy: "name a linux-image package that holds the kernel itself, not a metapackage",
        },
        { cause },
      );
    });
  }
  return kernel;
}

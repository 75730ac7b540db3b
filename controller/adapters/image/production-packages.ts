import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ReleaseError } from "../../domain/errors.ts";

/** The part of an npm lockfile that says what is needed at run time (package-lock.json(5), "packages"). */
const Lockfile = z.object({
  packages: z.record(z.string(), z.object({ dev: z.boolean().optional(), optional: z.boolean().optional() })),
});

/**
 * Folders of the packages that imgrel needs at run time. Optional ones are left out: these are Node itself, which a layer
 * has elsewhere.
 * @param lockfile text of package-lock.json
 * @throws ZodError, SyntaxError
 */
export const productionPackages = (lockfile: string): string[] =>
  Object.entries(Lockfile.parse(JSON.parse(lockfile)).packages)
    .filter(([path, { dev, optional }]) => path !== "" && dev !== true && optional !== true)
    .map(([path]) => path)
    .toSorted();

/**
 * Every file of a package that npm installed, as a path below the project. Packages inside it count by themselves.
 * @throws ReleaseError InputMissing if it is not installed
 */
export async function packageFiles(project: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(project, folder), { withFileTypes: true }).catch((cause: unknown) => {
    throw new ReleaseError("InputMissing", `${folder} is not installed`, "run: npm ci --ignore-scripts", { cause });
  });
  const below = entries.map(async (entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [path];
    return entry.name === "node_modules" ? [] : packageFiles(project, path);
  });
  return (await Promise.all(below)).flat();
}

import { join } from "node:path";
import type { Arch } from "../../../builders/contract/variant.ts";
import { hashFile } from "../../../builders/host/hash-file.ts";
import { walk } from "../../../builders/host/tree.ts";
import type { NamedBlob } from "../../domain/artifact-manifest.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { STAGED } from "../../domain/jobs/staged-run.ts";

/** A file that a run left, as it is staged. `path`: where it is on this machine. */
export type RunFile = NamedBlob & { readonly path: string };

/** Where a publish pod sees what its run left. */
export type RunFolders = { readonly out: string; readonly logs: string };

/**
 * Every file that a run of one arch left, hashed.
 * @throws ReleaseError VerificationFailed if something is no file; NodeJS.ErrnoException if something cannot be read
 */
export async function listRunFiles({ out, logs }: RunFolders, arch: Arch, signal: AbortSignal): Promise<RunFile[]> {
  const files: RunFile[] = [];
  const add = async (folder: string, below: string, prefix: string) => {
    for await (const { path, stats } of walk(folder, below)) {
      signal.throwIfAborted();
      if (stats.isDirectory()) continue;
      if (!stats.isFile()) {
        const message = `the run left something at ${path} that is no file`;
        throw new ReleaseError("VerificationFailed", message, "this is a fault of the builder: report it");
      }
      const { sha256, sizeBytes } = await hashFile(join(folder, path));
      files.push({ title: `${prefix}${path}`, path: join(folder, path), digest: `sha256:${sha256}`, size: sizeBytes });
    }
  };
  await add(out, arch, STAGED.out);
  await add(logs, "", STAGED.logs);
  return files;
}

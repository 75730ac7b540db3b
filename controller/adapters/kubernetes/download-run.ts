import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Digest } from "../../../builders/contract/digest.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { naming } from "../../../builders/host/files.ts";
import { saveSparse } from "../../../builders/host/sparse-copy.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readStaged, type StagedFile } from "../../domain/jobs/staged-run.ts";
import type { RunRecord } from "../../domain/run-record.ts";
import type { StagingStore } from "../../ports/staging-store.ts";

export type StagedRun = {
  readonly arch: Arch;
  /** of the manifest in the staging repository, as the run's own publish pod told it */
  readonly staged: Digest;
  /** of build-manifest.json, as the run's own build pod told it */
  readonly manifest: Digest;
};

/** Downloads at a time. */
const PARALLEL = 4;

/**
 * Brings what a run staged into a new folder: `out/` and `logs/`, each file checked by its digest as it comes, zeros as
 * holes. Nothing is at `folder` before.
 * @returns the logs with their hashes
 * @throws ReleaseError ManifestMismatch as readStaged; RegistryUnavailable if the staging repository lost something;
 * what the store throws; NodeJS.ErrnoException if a file cannot be written
 */
export async function downloadRun(
  store: Omit<StagingStore, "remove">,
  { arch, staged, manifest }: StagedRun,
  folder: string,
  signal: AbortSignal,
): Promise<RunRecord["logs"]> {
  const found = await store.readManifest(staged, signal);
  if (found === null) {
    const remedy = "it is asked again; if it was collected there, delete the run's Jobs, so that it is built anew";
    throw new ReleaseError("RegistryUnavailable", `${store.name} has no manifest ${staged}`, remedy);
  }
  const files = readStaged(found.bytes, arch, manifest);
  for (const part of ["out", "logs"]) await mkdir(join(folder, part), { recursive: true });
  const save = async ({ path, blob }: StagedFile): Promise<void> => {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    const write = async (bytes: AsyncIterable<Uint8Array>) => {
      await using file = await open(target, "w");
      await naming(target, () => saveSparse(bytes, file));
    };
    await store.readBlob(blob, write, signal);
  };
  const queue = files[Symbol.iterator]();
  const worker = async () => {
    for (const file of queue) await save(file);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return files.flatMap(({ path, blob }) =>
    path.startsWith("logs/") ? [{ name: path.slice("logs/".length), sha256: blob.digest.slice("sha256:".length) }] : [],
  );
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildManifest } from "../../../builders/contract/build-manifest.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { hashFile } from "../../../builders/host/hash-file.ts";
import { walk } from "../../../builders/host/tree.ts";
import { type FileFacts, manifestPath, type RunFacts } from "../../domain/comparison.ts";

/** No manifest of ours comes near this; a run must not be able to fill the memory with one. */
const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** The manifest as the run wrote it; null if it is not valid. */
async function readManifest(path: string): Promise<BuildManifest | null> {
  try {
    return BuildManifest.safeParse(JSON.parse(await readFile(path, "utf8"))).data ?? null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/**
 * What the comparator sees of one run: every file below `<output>/<arch>`, hashed here, and the run's own manifest.
 * @throws NodeJS.ErrnoException if something cannot be read; the signal's reason if it fires
 */
export async function readRunFacts(
  run: { readonly run: number; readonly output: string },
  arch: Arch,
  signal: AbortSignal,
): Promise<RunFacts> {
  const files = new Map<string, FileFacts>();
  const strange: string[] = [];
  for await (const { path, stats } of walk(run.output, arch)) {
    signal.throwIfAborted();
    if (stats.isDirectory()) continue;
    if (!stats.isFile()) {
      strange.push(path);
      continue;
    }
    const { sha256, sizeBytes, fsverity } = await hashFile(join(run.output, path));
    files.set(path, { sha256, sizeBytes, fsverityDigest: fsverity.digest });
  }
  const own = manifestPath(arch);
  const readable = (files.get(own)?.sizeBytes ?? Number.POSITIVE_INFINITY) <= MAX_MANIFEST_BYTES;
  const manifest = readable ? await readManifest(join(run.output, own)) : null;
  return { run: run.run, manifest, files, strange };
}

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { BuildManifest, describedFiles } from "../../../builders/contract/build-manifest.ts";
import { Digest, digestOf, stableJson } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { hashFile } from "../../../builders/host/hash-file.ts";
import { RunRecord } from "../../domain/run-record.ts";
import { BUILDER_CODE } from "../../../builders/host/builder.ts";
import { treeDigest } from "../../../builders/host/tree.ts";

/** Written last into a run's folder: what the run was of, what it left, and when it was done. */
const Finished = z.strictObject({ key: Digest, manifest: Digest, record: RunRecord });

/** A finished run: its manifest, that file's digest, and the record that was written with it. */
export type FinishedRun = {
  readonly manifest: BuildManifest;
  readonly manifestDigest: Digest;
  readonly record: RunRecord;
};
const FILE = "finished.json";

/**
 * What makes two runs the same work: request, toolchain, and imgrel's own files that the builder uses. A run that
 * finished under another key is not reused.
 */
export async function runKey(request: unknown, toolchain: Digest, project: string): Promise<Digest> {
  const code = await Promise.all(BUILDER_CODE.map((part) => treeDigest(join(project, part))));
  return digestOf(stableJson({ request, toolchain, code }));
}

const manifestOf = (work: string, arch: string): string => join(work, "out", arch, "build-manifest.json");

/** Marks the run in `work` as finished. Its files are hashed by whoever uses them next. */
export async function markFinished(work: string, arch: string, key: Digest, record: RunRecord): Promise<FinishedRun> {
  const text = await readFile(manifestOf(work, arch));
  const manifest = BuildManifest.parse(JSON.parse(text.toString()));
  const manifestDigest = digestOf(text);
  await writeFileAtomic(join(work, FILE), stableJson({ key, manifest: manifestDigest, record }));
  return { manifest, manifestDigest, record };
}

/**
 * A run that finished under this key and whose every file is still what it was: all are hashed again.
 * Null for any other; nothing is believed because of its name.
 */
export async function readFinished(work: string, arch: string, key: Digest): Promise<FinishedRun | null> {
  try {
    const finished = Finished.parse(JSON.parse(await readFile(join(work, FILE), "utf8")));
    const text = await readFile(manifestOf(work, arch));
    if (finished.key !== key || digestOf(text) !== finished.manifest) return null;
    const manifest = BuildManifest.parse(JSON.parse(text.toString()));
    for (const variant of manifest.variants) {
      const found = (await readdir(join(work, "out", arch, variant))).map((name) => `${arch}/${variant}/${name}`);
      if (found.some((path) => manifest.artifacts[path] === undefined)) return null;
    }
    for (const { path, said } of describedFiles(manifest)) {
      const { sha256, sizeBytes, fsverity } = await hashFile(join(work, "out", path));
      if (sha256 !== said.sha256 || sizeBytes !== said.size_bytes || fsverity.digest !== said.fsverity_digest)
        return null;
    }
    return { manifest, manifestDigest: finished.manifest, record: finished.record };
  } catch {
    return null; // unreadable, torn or gone: the run is done again
  }
}

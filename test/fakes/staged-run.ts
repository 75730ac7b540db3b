import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BuildManifest, ManifestArtifact } from "../../builders/contract/build-manifest.ts";
import { type Digest, digestOf, stableJson } from "../../builders/contract/digest.ts";
import { hashFile } from "../../builders/host/hash-file.ts";
import { stagedManifest } from "../../controller/domain/jobs/staged-run.ts";
import type { ArtifactStore } from "../../controller/ports/artifact-store.ts";
import { demoManifest } from "./job-runner.ts";

/** Contents of a run's files, by their paths below its output folder: artifacts, `amd64/root.cfs`, `amd64/dpkg-status`. */
type RunContents = Readonly<Record<string, string | Buffer>>;

/** Writes the files of a run for amd64 to its output folder, and the manifest that is true of them. */
export async function writeOutput(
  output: string,
  contents: RunContents,
  over: Partial<BuildManifest>,
): Promise<{ manifest: BuildManifest; digest: Digest }> {
  const said = new Map<string, ManifestArtifact>();
  for (const [path, content] of Object.entries(contents)) {
    const file = join(output, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    const { sha256, sizeBytes, fsverity } = await hashFile(file);
    said.set(path, { sha256, size_bytes: sizeBytes, fsverity_digest: fsverity.digest });
  }
  const of = (path: string): ManifestArtifact => {
    const found = said.get(path);
    if (found === undefined) throw new RangeError(path);
    return found;
  };
  const artifacts = Object.fromEntries([...said].filter(([path]) => path.split("/").length > 2));
  const manifest = demoManifest({
    ...over,
    ...{ artifacts, composefs: of("amd64/root.cfs"), dpkg_status: of("amd64/dpkg-status") },
  });
  const text = stableJson(manifest);
  await writeFile(join(output, "amd64/build-manifest.json"), text);
  return { manifest, digest: digestOf(text) };
}

/** What a run left in the folder `<at>`: `out/` and `logs/`, whole and described by its manifest. */
export async function writeDemoRun(at: string): Promise<{ manifest: BuildManifest; digest: Digest; paths: string[] }> {
  const image = Buffer.alloc(300_000);
  image.write("disk", 200_000);
  const contents: RunContents = {
    "amd64/raw/installer.img": image,
    "amd64/raw/SHA256SUMS": "sums\n",
    "amd64/root.cfs": "composefs",
    "amd64/dpkg-status": "status",
  };
  const written = await writeOutput(join(at, "out"), contents, { variants: ["raw"] });
  await mkdir(join(at, "logs"), { recursive: true });
  await writeFile(join(at, "logs/01-root.log"), "installed\n");
  const paths = [...Object.keys(contents), "amd64/build-manifest.json"].map((path) => `out/${path}`);
  return { ...written, paths: [...paths, "logs/01-root.log"] };
}

/** Pushes files of a run as a publish pod does; `rename` gives them other titles. */
export async function stageFiles(
  store: ArtifactStore,
  at: string,
  paths: readonly string[],
  rename: (path: string) => string = (path) => path,
): Promise<Digest> {
  const { signal } = new AbortController();
  const files = [];
  for (const path of paths) {
    const { sha256, sizeBytes } = await hashFile(join(at, path));
    const blob = { digest: `sha256:${sha256}`, size: sizeBytes };
    await store.pushBlob(
      { ...blob, mediaType: "application/octet-stream" },
      { kind: "file", path: join(at, path) },
      signal,
    );
    files.push({ title: rename(path), ...blob });
  }
  const { bytes, descriptor } = stagedManifest(files, 0);
  const config = new TextEncoder().encode("{}");
  const empty = { digest: digestOf(config), size: 2, mediaType: "application/vnd.oci.empty.v1+json" };
  await store.pushBlob(empty, { kind: "bytes", bytes: config }, signal);
  return store.pushManifest(descriptor.mediaType, bytes, signal);
}

import { readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { openRegistry } from "../../controller/adapters/oci/registry.ts";
import { readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { imgrel, PROJECT } from "../imgrel.ts";
import { matches, projectFiles } from "../shards/inputs.ts";

/** What decides the images (docs/images.md). */
const INPUTS = [
  ...["controller/**", "builders/**", "modules.d/**", "dracut.conf.d/**", "deploy/images/**", "deploy/local/**"],
  ...["package.json", "package-lock.json"],
];
const NAMES = ["builder", "boot", "controller"] as const;
type Name = (typeof NAMES)[number];
const Made = z.object({ images: z.record(z.enum(NAMES), z.string()) });
const signal = new AbortController().signal;

/** Images of sources that are no more; another test may still use those of today. */
async function removeOld(newest: string): Promise<void> {
  const yesterday = Date.now() - 86_400_000;
  for (const name of await readdir(dirname(newest))) {
    const folder = join(dirname(newest), name);
    if (!name.startsWith("own-images-") || folder === newest) continue;
    if ((await stat(folder)).mtimeMs < yesterday) await rm(folder, { recursive: true, force: true });
  }
}

/** imgrel's own images as a layout in the cache, made anew whenever one of their sources changed. */
async function ownImages(): Promise<string> {
  const files = (await projectFiles(PROJECT)).filter(
    (path) => INPUTS.some((glob) => matches(path, glob)) && !path.endsWith(".test.ts"),
  );
  const contents = await Promise.all(
    files.map(async (path) => `${path} ${sha256Hex(await readFile(join(PROJECT, path)).catch(() => "absent"))}`),
  );
  const folder = join(cacheRoot(process.env), "tests", `own-images-${sha256Hex(contents.join("\n")).slice(0, 16)}`);
  const isThere = await readFile(join(folder, "index.json")).catch(() => undefined);
  if (isThere !== undefined) return folder;
  const part = `${folder}.part`;
  await rm(part, { recursive: true, force: true });
  const made = await imgrel("images", "--folder", part, "-o", "json");
  if (made.exitCode !== 0) throw new Error(`imgrel images: ${made.tail}`);
  Made.parse(JSON.parse(made.stdout));
  await rename(part, folder);
  await removeOld(folder);
  return folder;
}

/**
 * Pushes imgrel's own images to a cluster's registry.
 * @param registry as this machine reaches it, `host:port`
 * @param name as nodes and pods reach it
 * @returns how a class names each, by digest
 */
export async function pushOwnImages(registry: string, name: string): Promise<Readonly<Record<Name, string>>> {
  const layout = openLayout({ directory: await ownImages(), name: "images" });
  const pushed: [Name, string][] = [];
  for (const image of NAMES) {
    const digest = await layout.resolveTag(`${image}-amd64`, signal);
    const manifest = digest === null ? null : await layout.readManifest(digest, signal);
    if (manifest === null) throw new Error(`there is no image ${image}`);
    const network = { allowPrivate: true, allowHTTP: true };
    const store = openRegistry({ repository: `${registry}/imgrel/${image}`, network });
    for (const blob of readManifestLinks(manifest.mediaType, manifest.bytes).blobs) {
      await store.pushBlob(blob, { kind: "stored", store: layout }, signal);
    }
    await store.pushManifest(manifest.mediaType, manifest.bytes, signal);
    pushed.push([image, `${name}/imgrel/${image}@${manifest.digest}`]);
  }
  return Object.fromEntries(pushed) as Record<Name, string>;
}

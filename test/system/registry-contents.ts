import { cp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactManifest, ImageIndex } from "../../controller/domain/oci.ts";

/** What a repository of docker-registry holds, read from its disk: the registry itself lists no manifests. */
export type RegistryContents = {
  /** digests of its blobs, manifests not among them */
  readonly blobs: ReadonlySet<string>;
  /** its manifests by digest; lists of referrers are none */
  readonly manifests: ReadonlyMap<string, ArtifactManifest>;
  /** digests by tag, those of lists of referrers left out */
  readonly tags: ReadonlyMap<string, string>;
  /** every digest that such a tag ever pointed to */
  readonly tagged: ReadonlyMap<string, readonly string[]>;
  /** digests that each list of referrers names, by the digest that they refer to */
  readonly referrers: ReadonlyMap<string, readonly string[]>;
};

const REGISTRY = "docker/registry/v2";
const LIST_TAG = /^sha256-([0-9a-f]{64})$/;
const names = (folder: string): Promise<string[]> => readdir(folder).catch(() => []); // made with its first file

/** A JSON document that a registry keeps. */
export async function readStored(storage: string, digest: string): Promise<unknown> {
  const hex = digest.slice("sha256:".length);
  return JSON.parse(await readFile(join(storage, REGISTRY, "blobs/sha256", hex.slice(0, 2), hex, "data"), "utf8"));
}

/** @param storage `storage` of the registry */
export async function contentsOf(storage: string, repository: string): Promise<RegistryContents> {
  const folder = join(storage, REGISTRY, "repositories", repository);
  const read = (digest: string) => readStored(storage, digest);
  const manifests = new Map<string, ArtifactManifest>();
  for (const hex of await names(join(folder, "_manifests/revisions/sha256"))) {
    const manifest = await read(`sha256:${hex}`);
    if (!ImageIndex.safeParse(manifest).success) manifests.set(`sha256:${hex}`, ArtifactManifest.parse(manifest));
  }
  const tags = new Map<string, string>();
  const tagged = new Map<string, readonly string[]>();
  const referrers = new Map<string, readonly string[]>();
  for (const tag of await names(join(folder, "_manifests/tags"))) {
    const digest = await readFile(join(folder, "_manifests/tags", tag, "current/link"), "utf8");
    const subject = LIST_TAG.exec(tag)?.[1];
    if (subject === undefined) {
      tags.set(tag, digest);
      const ever = await names(join(folder, "_manifests/tags", tag, "index/sha256"));
      tagged.set(
        tag,
        ever.map((hex) => `sha256:${hex}`),
      );
    } else {
      const listed = ImageIndex.parse(await read(digest)).manifests.map((one) => one.digest);
      referrers.set(`sha256:${subject}`, listed);
    }
  }
  const blobs = (await names(join(folder, "_layers/sha256"))).map((hex) => `sha256:${hex}`);
  return { blobs: new Set(blobs), manifests, tags, tagged, referrers };
}

/** Makes the repositories below one path what those below another are; docker-registry keeps the bytes of both once. */
export async function copyRepositories(storage: string, from: string, to: string): Promise<void> {
  const repositories = join(storage, REGISTRY, "repositories");
  await rm(join(repositories, to), { recursive: true, force: true });
  await cp(join(repositories, from), join(repositories, to), { recursive: true });
}

import { REPOSITORY } from "../../domain/addresses.ts";
import { checkedTag } from "../../domain/artifact-names.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readManifestLinks } from "../../domain/manifest-links.ts";
import { judgeText } from "../../domain/text-rule.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { blobChunks, blobIsThere } from "./blob-download.ts";
import { uploadBlob } from "./blob-upload.ts";
import { awaitFound, getManifest, getManifestByDigest, putManifest } from "./manifest-calls.ts";
import { readWhole } from "./read-whole.ts";
import { announceReferrer, listReferrers } from "./referrer-calls.ts";
import { openClient, type RegistryOptions } from "./registry-client.ts";
import { retrying } from "./retrying.ts";
import { checkedDigest, tagConflict } from "./store-faults.ts";

/** How often a blob of wrong bytes is read, the first time included. */
const READS = 3;

/**
 * A repository of a registry as an artifact store (OCI distribution-spec 1.1). Blobs are streamed both ways; each call is
 * tried a few times, with growing pauses or the one that the registry asks for.
 * @throws ReleaseError Usage if `repository` is not `<host>[:<port>]/<path>`
 */
export function openRegistry(options: RegistryOptions): ArtifactStore {
  const fault = judgeText(REPOSITORY, options.repository);
  if (fault !== undefined) throw new ReleaseError("Usage", `the repository ${fault.message}`, fault.remedy);
  const client = openClient(options);
  const name = options.repository;
  const registry = name.slice(0, name.indexOf("/") + 1);

  /** Path of a repository of the same registry; undefined for any other. */
  const siblingPath = (repository: string | undefined): string | undefined =>
    repository?.startsWith(registry) === true ? repository.slice(registry.length) : undefined;

  return {
    name,
    hasBlob: async (digest, signal) => {
      checkedDigest(digest);
      return retrying(`blob ${digest} of ${name}`, client.pace, signal, () => blobIsThere(client, digest, signal));
    },
    pushBlob: async (descriptor, source, signal, mountFrom) => {
      checkedDigest(descriptor.digest);
      await uploadBlob(client, descriptor, source, signal, siblingPath(mountFrom));
    },
    readBlob: async (descriptor, read, signal) => {
      checkedDigest(descriptor.digest);
      return readWhole(descriptor, () => blobChunks(client, descriptor, signal), read, READS);
    },
    pushManifest: async (mediaType, bytes, signal) => {
      const { descriptor, subject } = readManifestLinks(mediaType, bytes);
      const { digest } = descriptor;
      const look = () => getManifestByDigest(client, digest, signal);
      if ((await look()) === null) {
        await putManifest(client, digest, { digest, mediaType, bytes }, signal);
        await awaitFound(client, digest, look, signal);
      }
      if (subject !== undefined) await announceReferrer(client, descriptor, subject, signal);
      return digest;
    },
    readManifest: async (digest, signal) => getManifestByDigest(client, checkedDigest(digest), signal),
    resolveTag: async (tag, signal) => (await getManifest(client, checkedTag(tag), signal))?.digest ?? null,
    tag: async (tag, digest, signal) => {
      const look = async () => (await getManifest(client, tag, signal))?.digest ?? null;
      checkedDigest(digest);
      const present = (await getManifest(client, checkedTag(tag), signal))?.digest;
      if (present === digest) return;
      if (present !== undefined) throw tagConflict(name, tag, present, digest);
      const manifest = await awaitFound(client, digest, () => getManifestByDigest(client, digest, signal), signal);
      await putManifest(client, tag, manifest, signal);
      const written = await awaitFound(client, tag, look, signal);
      if (written !== digest) throw tagConflict(name, tag, written, digest);
    },
    referrers: async (digest, signal) => listReferrers(client, checkedDigest(digest), signal),
  };
}

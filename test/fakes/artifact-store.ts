import { readFile } from "node:fs/promises";
import { type Digest, digestOf } from "../../builders/contract/digest.ts";
import { ReleaseError } from "../../controller/domain/errors.ts";
import { readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { byDigest, type Descriptor } from "../../controller/domain/oci.ts";
import { checkedTag } from "../../controller/domain/artifact-names.ts";
import type { ArtifactStore, BlobSource, StoredManifest } from "../../controller/ports/artifact-store.ts";

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** A repository in memory. `calls` counts what was written anew. */
export function fakeArtifactStore(name = "registry.example/images") {
  const blobs = new Map<Digest, Uint8Array>();
  const manifests = new Map<Digest, StoredManifest & { readonly descriptor: Descriptor; readonly subject?: Digest }>();
  const tags = new Map<string, Digest>();
  const writes: string[] = [];
  const bytesOf = async (source: BlobSource, descriptor: Descriptor, signal: AbortSignal): Promise<Uint8Array> => {
    if (source.kind === "bytes") return source.bytes;
    if (source.kind === "stored") {
      return source.store.readBlob(descriptor, async (chunks) => Buffer.concat(await Array.fromAsync(chunks)), signal);
    }
    return readFile(source.path).catch((cause: unknown) => {
      throw new ReleaseError("InputMissing", `cannot read ${source.path}`, "make the file anew", { cause });
    });
  };
  const store: ArtifactStore = {
    name,
    hasBlob: async (digest) => blobs.has(digest),
    pushBlob: async (descriptor, source, signal) => {
      if (blobs.has(descriptor.digest)) return;
      const bytes = await bytesOf(source, descriptor, signal);
      if (digestOf(bytes) !== descriptor.digest || bytes.byteLength !== descriptor.size) {
        throw new ReleaseError("InputDigestMismatch", `not ${descriptor.digest}`, "make it anew");
      }
      blobs.set(descriptor.digest, Uint8Array.from(bytes));
      writes.push(`blob ${descriptor.digest}`);
    },
    readBlob: async (descriptor, read) => {
      const bytes = blobs.get(descriptor.digest);
      if (bytes === undefined) throw new ReleaseError("NotFound", `no blob ${descriptor.digest}`, "push it");
      if (bytes.byteLength !== descriptor.size) {
        throw new ReleaseError("RegistryDigestMismatch", `not ${descriptor.digest}`, "look at it");
      }
      return read(once(bytes));
    },
    pushManifest: async (mediaType, bytes) => {
      const { descriptor, subject, blobs: parts, manifests: children } = readManifestLinks(mediaType, bytes);
      const missing = [...parts, ...children].find((one) => !blobs.has(one.digest) && !manifests.has(one.digest));
      if (missing !== undefined) throw new ReleaseError("RegistryRefused", `no ${missing.digest}`, "push it first");
      if (!manifests.has(descriptor.digest)) writes.push(`manifest ${descriptor.digest}`);
      const held = { digest: descriptor.digest, mediaType, bytes, descriptor };
      manifests.set(descriptor.digest, subject === undefined ? held : { ...held, subject });
      return descriptor.digest;
    },
    readManifest: async (digest) => {
      const found = manifests.get(digest);
      return found === undefined ? null : { digest, mediaType: found.mediaType, bytes: found.bytes };
    },
    resolveTag: async (tag) => tags.get(checkedTag(tag)) ?? null,
    tag: async (tag, digest) => {
      const before = tags.get(checkedTag(tag));
      if (before !== undefined && before !== digest)
        throw new ReleaseError("TagConflict", `${tag} is ${before}`, "stop");
      if (!manifests.has(digest)) throw new ReleaseError("NotFound", `no manifest ${digest}`, "push it");
      if (before === undefined) writes.push(`tag ${tag}`);
      tags.set(tag, digest);
    },
    referrers: async (digest) =>
      [...manifests.values()]
        .filter(({ subject }) => subject === digest)
        .map(({ descriptor }) => descriptor)
        .toSorted(byDigest),
  };
  return { store, blobs, manifests, tags, writes };
}

/** Digest of a text that a test stores. */
export const demoDigest = (text: string): Digest => digestOf(text);

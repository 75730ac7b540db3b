import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { Digest, digestOf } from "../../builders/contract/digest.ts";
import { checkedTag } from "../../controller/domain/artifact-names.ts";
import { type FaultCode, ReleaseError } from "../../controller/domain/errors.ts";
import { type ManifestLinks, readManifestLinks } from "../../controller/domain/manifest-links.ts";
import { byDigest, type Descriptor } from "../../controller/domain/oci.ts";
import type { ArtifactStore, BlobSource, StoredManifest } from "../../controller/ports/artifact-store.ts";

const fault = (code: FaultCode, message: string): ReleaseError => new ReleaseError(code, message, "look at the test");

const checked = (digest: Digest): Digest => {
  if (Digest.safeParse(digest).success) return digest;
  throw fault("Usage", `${digest} is no digest`);
};

/** Bytes in several pieces, as they come from a disk or a connection. */
async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.byteLength; at += 1000) yield bytes.subarray(at, at + 1000);
}

async function read(descriptor: Descriptor, source: BlobSource, signal: AbortSignal): Promise<Uint8Array> {
  switch (source.kind) {
    case "bytes":
      return source.bytes;
    case "file":
      return readFile(source.path).catch(() => {
        throw fault("InputMissing", `cannot read ${source.path}`);
      });
    case "stored":
      return source.store.readBlob(descriptor, buffer, signal);
  }
}

type Blobs = Map<Digest, Uint8Array>;

/** A repository in memory. `writes`: what was written anew. `siblings`: blobs of the registry's repositories, by name. */
export function fakeArtifactStore(name = "registry.example/images", siblings = new Map<string, Blobs>()) {
  const blobs: Blobs = new Map();
  const manifests = new Map<Digest, StoredManifest & ManifestLinks>();
  const tags = new Map<string, Digest>();
  const writes: string[] = [];
  siblings.set(name, blobs);
  const store: ArtifactStore = {
    name,
    hasBlob: async (digest) => blobs.has(checked(digest)),
    pushBlob: async (descriptor, source, signal, mountFrom = "") => {
      signal.throwIfAborted();
      if (blobs.has(checked(descriptor.digest))) return;
      const mounted = siblings.get(mountFrom)?.get(descriptor.digest);
      const bytes = mounted ?? (await read(descriptor, source, signal));
      if (digestOf(bytes) !== descriptor.digest || bytes.byteLength !== descriptor.size) {
        throw fault("InputDigestMismatch", `not ${descriptor.digest}`);
      }
      blobs.set(descriptor.digest, Uint8Array.from(bytes));
      writes.push(`blob ${descriptor.digest}`);
    },
    readBlob: async ({ digest, size }, reader, signal) => {
      signal.throwIfAborted();
      const bytes = blobs.get(checked(digest));
      if (bytes === undefined) throw fault("NotFound", `no blob ${digest}`);
      if (bytes.byteLength !== size) throw fault("RegistryDigestMismatch", `${digest} has another size`);
      return reader(pieces(bytes));
    },
    pushManifest: async (mediaType, bytes, signal) => {
      signal.throwIfAborted();
      const links = readManifestLinks(mediaType, bytes);
      const { digest } = links.descriptor;
      const missing = [
        ...links.blobs.filter((one) => !blobs.has(one.digest)),
        ...links.manifests.filter((one) => !manifests.has(one.digest)),
      ];
      if (missing[0] !== undefined) throw fault("RegistryRefused", `no ${missing[0].digest}`);
      if (!manifests.has(digest)) writes.push(`manifest ${digest}`);
      manifests.set(digest, { ...links, digest, mediaType, bytes });
      return digest;
    },
    readManifest: async (digest) => {
      const found = manifests.get(checked(digest));
      return found === undefined ? null : { digest, mediaType: found.mediaType, bytes: found.bytes };
    },
    resolveTag: async (tag) => tags.get(checkedTag(tag)) ?? null,
    tag: async (tag, digest, signal) => {
      signal.throwIfAborted();
      const present = tags.get(checkedTag(tag));
      if (present === checked(digest)) return;
      if (present !== undefined) throw fault("TagConflict", `${tag} is ${present}`);
      if (!manifests.has(digest)) throw fault("RegistryUnavailable", `no manifest ${digest}`);
      tags.set(tag, digest);
      writes.push(`tag ${tag}`);
    },
    referrers: async (digest) => {
      checked(digest);
      return [...manifests.values()]
        .flatMap(({ subject, descriptor }) => (subject === digest ? [descriptor] : []))
        .toSorted(byDigest);
    },
  };
  return { store, blobs, manifests, tags, writes };
}

/** A registry in memory: opens repositories that can mount each other's blobs. */
export function fakeRegistry(): (name: string) => ReturnType<typeof fakeArtifactStore> {
  const siblings = new Map<string, Blobs>();
  return (name) => fakeArtifactStore(name, siblings);
}

/** Digest of a text that a test stores. */
export const demoDigest = (text: string): Digest => digestOf(text);

/** A text as a file of an artifact, and where its bytes are. */
export function textFile(text: string) {
  const bytes = new TextEncoder().encode(text);
  const file = { title: text, mediaType: "text/plain", digest: digestOf(bytes), size: bytes.byteLength };
  return { file, source: { kind: "bytes", bytes } as const };
}

import { createReadStream } from "node:fs";
import type { Digest } from "../../../builders/contract/digest.ts";
import { DISK_FULL_REMEDY, isDiskFull } from "../../../builders/host/disk-full.ts";
import { CHUNK_BYTES } from "../../../builders/host/files.ts";
import { checkedTag } from "../../domain/artifact-names.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readManifestLinks } from "../../domain/manifest-links.ts";
import { ANNOTATION, byDigest, type Descriptor, type ImageIndex, indexDescriptors } from "../../domain/oci.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import { errorCode } from "../error-code.ts";
import { changeIndex, prepareLayout, readIndex } from "./layout-listing.ts";
import { blobFile, takeIn } from "./layout-intake.ts";
import { blobSize, linksReader, readLayoutManifest } from "./layout-manifests.ts";
import { readWhole } from "./read-whole.ts";
import { checkedDigest, missingBlob, missingManifest, missingPart, tagConflict } from "./store-faults.ts";

export type LayoutOptions = {
  /** made with the first write */
  readonly directory: string;
  /** the store's name, as records show it */
  readonly name: string;
};

/** A fault of the file system in the words of the port; any other error is itself. */
function layoutFault(directory: string, error: unknown): unknown {
  const code = errorCode(error);
  if (error instanceof ReleaseError || !(error instanceof Error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  const what = `the layout ${directory} cannot be used: ${error.message}`;
  if (["EACCES", "EPERM", "EROFS"].includes(code)) {
    return new ReleaseError("Unauthorized", what, "let this user write to it", { cause: error });
  }
  const remedy = isDiskFull(error) ? DISK_FULL_REMEDY : "look at the disk and at what is in its way there";
  return new ReleaseError("RegistryUnavailable", what, remedy, { cause: error });
}

async function guard<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw layoutFault(directory, error);
  }
}

const tagOf = (entry: ImageIndex["manifests"][number]): string | undefined => entry.annotations?.[ANNOTATION.refName];

/** The index with `manifest` in it: others look for every manifest there, referrers too. */
function withManifest(index: ImageIndex, manifest: Descriptor): ImageIndex {
  if (index.manifests.some(({ digest }) => digest === manifest.digest)) return index;
  const { annotations: _, ...entry } = manifest; // one of them named ref.name would be a tag
  return { ...index, manifests: [...index.manifests, entry] };
}

/** The index with a tag; `store` is its name, for messages. */
function withTag(index: ImageIndex, tag: string, digest: Digest, store: string): ImageIndex {
  const tagged = index.manifests.find((entry) => tagOf(entry) === tag);
  if (tagged?.digest === digest) return index;
  if (tagged !== undefined) throw tagConflict(store, tag, tagged.digest, digest);
  const entry = index.manifests.find((one) => one.digest === digest);
  if (entry === undefined) throw missingManifest(store, digest);
  const others = index.manifests.filter((one) => one !== entry || tagOf(one) !== undefined);
  const named = { ...entry, annotations: { ...entry.annotations, [ANNOTATION.refName]: tag } };
  return { ...index, manifests: [...others, named] };
}

async function* blobChunks(directory: string, digest: Digest, signal: AbortSignal) {
  try {
    const stream = createReadStream(blobFile(directory, digest), { highWaterMark: CHUNK_BYTES });
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      yield chunk;
    }
  } catch (error) {
    throw layoutFault(directory, error);
  }
}

/**
 * An OCI image layout as an artifact store (OCI image-spec, image-layout.md). Tags are
 * `org.opencontainers.image.ref.name` in index.json. Safe with many writers: blobs appear whole, and the index has one
 * writer at a time. The folder is made with the first write; a layout that is only read is not touched.
 */
export function openLayout({ directory, name }: LayoutOptions): ArtifactStore {
  let prepared: Promise<string> | undefined;
  /** The layout's path once it can be written to. */
  const writable = (signal: AbortSignal): Promise<string> => {
    prepared ??= prepareLayout(directory, signal);
    return prepared.catch((error: unknown) => {
      prepared = undefined;
      throw error;
    });
  };
  const linksOf = linksReader(directory);
  const guarded = <T>(work: () => Promise<T>): Promise<T> => guard(directory, work);
  return {
    name,
    hasBlob: (digest) => guarded(async () => (await blobSize(directory, digest)) !== undefined),
    pushBlob: (descriptor, source, signal) =>
      guarded(async () => {
        checkedDigest(descriptor.digest);
        await takeIn(await writable(signal), descriptor, source, signal);
      }),
    readBlob: async (descriptor, read, signal) => {
      const { digest } = descriptor;
      if ((await guarded(() => blobSize(directory, digest))) === undefined) throw missingBlob(name, digest);
      return readWhole(descriptor, () => blobChunks(directory, digest, signal), read, 1); // a disk answers alike twice
    },
    pushManifest: (mediaType, bytes, signal) =>
      guarded(async () => {
        const { descriptor, blobs, manifests } = readManifestLinks(mediaType, bytes);
        for (const { digest } of [...blobs, ...manifests]) {
          if ((await blobSize(directory, digest)) === undefined) throw missingPart(name, descriptor.digest, digest);
        }
        await takeIn(await writable(signal), descriptor, { kind: "bytes", bytes }, signal);
        await changeIndex(await writable(signal), signal, (index) => withManifest(index, descriptor));
        return descriptor.digest;
      }),
    readManifest: (digest) => guarded(() => readLayoutManifest(directory, digest)),
    resolveTag: (tag) =>
      guarded(async () => {
        const wanted = checkedTag(tag);
        const entry = (await readIndex(directory)).manifests.find((one) => tagOf(one) === wanted);
        return entry === undefined ? null : checkedDigest(entry.digest);
      }),
    tag: (tag, digest, signal) =>
      guarded(async () => {
        const wanted = { tag: checkedTag(tag), digest: checkedDigest(digest) };
        await changeIndex(await writable(signal), signal, (index) => withTag(index, wanted.tag, wanted.digest, name));
      }),
    referrers: (digest) =>
      guarded(async () => {
        const subject = checkedDigest(digest);
        const found = new Map<Digest, Descriptor>();
        for (const entry of indexDescriptors(await readIndex(directory))) {
          const links = await linksOf(entry.digest);
          if (links?.subject === subject) found.set(entry.digest, links.descriptor);
        }
        return [...found.values()].toSorted(byDigest);
      }),
  };
}

import { readFile, stat } from "node:fs/promises";
import { type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { MAX_MANIFEST_BYTES, type ManifestLinks, readManifestLinks } from "../../domain/manifest-links.ts";
import { indexDescriptors, OCI } from "../../domain/oci.ts";
import type { StoredManifest } from "../../ports/artifact-store.ts";
import { errorCode } from "../error-code.ts";
import { readIndex } from "./layout-listing.ts";
import { blobFile } from "./layout-intake.ts";
import { checkedDigest, wrongBytes } from "./store-faults.ts";

/** Size of a blob in a layout, in bytes; undefined if it is not there. */
export async function blobSize(layout: string, digest: Digest): Promise<number | undefined> {
  try {
    return (await stat(blobFile(layout, checkedDigest(digest)))).size;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** The media type that a manifest says it has; undefined if it is none of OCI's. */
function ownMediaType(bytes: Uint8Array): string | undefined {
  try {
    const { mediaType } = JSON.parse(new TextDecoder().decode(bytes)) as { mediaType?: unknown };
    return [OCI.manifest, OCI.index].find((known) => known === mediaType);
  } catch {
    return undefined;
  }
}

/**
 * A manifest of a layout, which its index lists or another manifest may hold.
 * @throws ReleaseError RegistryDigestMismatch if its file was altered
 */
export async function readLayoutManifest(layout: string, digest: Digest): Promise<StoredManifest | null> {
  const size = await blobSize(layout, digest);
  if (size === undefined || size > MAX_MANIFEST_BYTES) return null; // larger ones are layers
  const bytes = await readFile(blobFile(layout, digest));
  if (digestOf(bytes) !== digest) throw wrongBytes(digest, digestOf(bytes));
  const listed = indexDescriptors(await readIndex(layout)).find((entry) => entry.digest === digest);
  const mediaType = listed?.mediaType ?? ownMediaType(bytes);
  return mediaType === undefined ? null : { digest, mediaType, bytes };
}

/** Reads what manifests of a layout refer to; each is read once, since a digest never changes its meaning. */
export function linksReader(layout: string): (digest: Digest) => Promise<ManifestLinks | undefined> {
  const known = new Map<Digest, ManifestLinks>();
  return async (digest) => {
    const cached = known.get(digest);
    if (cached !== undefined) return cached;
    const manifest = await readLayoutManifest(layout, digest);
    if (manifest === null) return undefined;
    const links = readManifestLinks(manifest.mediaType, manifest.bytes);
    known.set(digest, links);
    return links;
  };
}

import type { Readable } from "node:stream";
import type { Digest } from "../../builders/contract/digest.ts";
import type { Descriptor } from "../domain/oci.ts";

/** Where a blob's bytes are. A file is streamed, never read whole. */
export type BlobSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array };

/** A manifest as a store holds it, byte for byte. */
export type StoredManifest = { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };

/**
 * One repository of content-addressed artifacts: of a registry (OCI distribution-spec 1.1) or an image layout on disk
 * (OCI image-spec, image-layout.md). Everything that is written may be written again: what is there stays.
 *
 * Every function throws ReleaseError RegistryUnavailable (worth a retry), Unauthorized, RegistryDigestMismatch (the
 * store says it holds other bytes than were sent, or sends other bytes than were asked for) or RegistryRefused (any
 * other answer that no retry changes, a refused redirect included); the signal's reason if it fires.
 */
export type ArtifactStore = {
  /** how references to this repository begin, such as `registry.example/powernode/images`; stands in records */
  readonly name: string;
  readonly hasBlob: (digest: Digest, signal: AbortSignal) => Promise<boolean>;
  /**
   * Streams a blob; one that is there already is not sent again. `mountFrom`: name of a repository of the same registry
   * that holds it, so that nothing needs to be sent.
   * @throws ReleaseError InputDigestMismatch if the source does not have the descriptor's digest and size
   */
  readonly pushBlob: (
    descriptor: Descriptor,
    source: BlobSource,
    signal: AbortSignal,
    mountFrom?: string,
  ) => Promise<void>;
  /** A blob's bytes; the stream ends with an error if they are not what the descriptor says. */
  readonly openBlob: (descriptor: Descriptor, signal: AbortSignal) => Promise<Readable>;
  /**
   * Stores a manifest under its digest. One with a `subject` becomes its referrer, by the referrers API or, where a
   * registry has none, by the tag schema (distribution-spec, "Referrers Tag Schema").
   */
  readonly pushManifest: (mediaType: string, bytes: Uint8Array, signal: AbortSignal) => Promise<Digest>;
  /** A manifest by digest; null if there is none. */
  readonly readManifest: (digest: Digest, signal: AbortSignal) => Promise<StoredManifest | null>;
  /** What a tag points to; null if there is no such tag. */
  readonly resolveTag: (tag: string, signal: AbortSignal) => Promise<Digest | null>;
  /**
   * Makes a tag point to a manifest that is there. A tag that does already is left as it is; none is ever moved.
   * @throws ReleaseError TagConflict if it points elsewhere
   */
  readonly tag: (tag: string, digest: Digest, signal: AbortSignal) => Promise<void>;
  /** All manifests whose subject is this digest, in order of digest. */
  readonly referrers: (digest: Digest, signal: AbortSignal) => Promise<readonly Descriptor[]>;
};

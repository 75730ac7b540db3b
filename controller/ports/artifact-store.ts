import type { Digest } from "../../builders/contract/digest.ts";
import type { Descriptor } from "../domain/oci.ts";

/** Where a blob's bytes are. None is read whole into memory but `bytes`. */
export type BlobSource =
  /**
   * `finished`: nobody writes to the file any more, so that a store on the same file system may keep it by a hard link;
   * it is read-only from then on. Any other file is copied, by shared blocks where the file system can.
   */
  | { readonly kind: "file"; readonly path: string; readonly finished?: true }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  /** another store has it */
  | { readonly kind: "stored"; readonly store: Pick<ArtifactStore, "readBlob"> };

/** A manifest as a store holds it, byte for byte. */
export type StoredManifest = { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array };

/** Takes all bytes of a blob as they come. */
export type BlobReader<T> = (bytes: AsyncIterable<Uint8Array>) => Promise<T>;

/**
 * One repository of content-addressed artifacts: of a registry (OCI distribution-spec 1.1) or an image layout on disk
 * (OCI image-spec, image-layout.md). Everything that is written may be written again: what is there stays.
 *
 * Every function throws ReleaseError RegistryUnavailable (worth a retry), Unauthorized, RegistryDigestMismatch (the
 * store says it holds other bytes than were sent, or sends other bytes than were asked for), RegistryRefused (any other
 * answer that no retry changes, a refused redirect included) or Usage (a malformed tag or digest); the signal's reason
 * if it fires.
 */
export type ArtifactStore = {
  /** how references to this repository begin, such as `registry.example/powernode/images`; stands in records */
  readonly name: string;
  readonly hasBlob: (digest: Digest, signal: AbortSignal) => Promise<boolean>;
  /**
   * Streams a blob; one that is there already is not sent again. `mountFrom`: name of a repository of the same registry
   * that holds it, so that nothing needs to be sent.
   * @throws ReleaseError InputDigestMismatch if the source does not have the descriptor's digest and size, InputMissing
   * if it cannot be read
   */
  readonly pushBlob: (
    descriptor: Descriptor,
    source: BlobSource,
    signal: AbortSignal,
    mountFrom?: string,
  ) => Promise<void>;
  /**
   * Gives `read` the bytes of a blob, of which it must take all, and then what it returned. They are checked as they
   * pass: the last of them come only if all are right. Wrong ones make an error in the middle of `read`, and it is called
   * anew with all bytes, three times at most; a broken connection is mended without it.
   * @throws ReleaseError NotFound if there is no such blob; what `read` throws
   */
  readonly readBlob: <T>(descriptor: Descriptor, read: BlobReader<T>, signal: AbortSignal) => Promise<T>;
  /**
   * Stores a manifest under its digest, and looks that it is there. All that it refers to must be there but the
   * `subject`: with one it becomes that one's referrer, by the referrers API or, where a registry has none, by the tag
   * schema (distribution-spec, "Referrers Tag Schema").
   */
  readonly pushManifest: (mediaType: string, bytes: Uint8Array, signal: AbortSignal) => Promise<Digest>;
  /** A manifest by digest; null if there is none. */
  readonly readManifest: (digest: Digest, signal: AbortSignal) => Promise<StoredManifest | null>;
  /** What a tag points to; null if there is no such tag. */
  readonly resolveTag: (tag: string, signal: AbortSignal) => Promise<Digest | null>;
  /**
   * Makes a tag point to a manifest that is there, and reads it back. A tag that does already is left as it is; none is
   * ever moved.
   * @throws ReleaseError TagConflict if it points elsewhere; RegistryUnavailable if the manifest is not there (yet)
   */
  readonly tag: (tag: string, digest: Digest, signal: AbortSignal) => Promise<void>;
  /** All manifests whose subject is this digest, in order of digest, each with its artifact type and annotations. */
  readonly referrers: (digest: Digest, signal: AbortSignal) => Promise<readonly Descriptor[]>;
};

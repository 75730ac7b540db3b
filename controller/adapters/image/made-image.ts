import { type Digest, digestOf } from "../../../builders/contract/digest.ts";
import { type EncodedImage, encodeImage, type ImageContent } from "../../domain/image.ts";
import type { BlobSource } from "../../ports/artifact-store.ts";

/** An image, and where its blobs are until a store has them: what pushArtifact takes. */
export type MadeImage = EncodedImage & { readonly sources: ReadonlyMap<Digest, BlobSource> };

/** An image of layers whose blobs are in `layers`, by digest. */
export function madeImage(content: ImageContent, layers: Iterable<readonly [Digest, BlobSource]>): MadeImage {
  const image = encodeImage(content);
  const config = [digestOf(image.config), { kind: "bytes", bytes: image.config }] as const;
  return { ...image, sources: new Map<Digest, BlobSource>([config, ...layers]) };
}

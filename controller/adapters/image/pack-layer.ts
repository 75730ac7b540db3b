import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";
import type { ImageLayer } from "../../domain/image.ts";
import { OCI } from "../../domain/oci.ts";
import { type TarEntry, tarStream } from "./tar-stream.ts";

/** On one thread with these settings, the zstd of the pinned Node gives the same bytes on every machine. */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 9, [constants.ZSTD_c_checksumFlag]: 1 } };

/** The same bytes, which `summary` learns as they pass. */
const summed = (summary: ReturnType<typeof newSummary>) =>
  async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of chunks) {
      summary.hash.update(chunk);
      summary.size += chunk.byteLength;
      yield chunk;
    }
  };

const newSummary = () => ({ hash: createHash("sha256"), size: 0 });

/** A layer, and the file that its blob is in. */
export type PackedLayer = ImageLayer & { readonly path: string };

/**
 * Packs entries into the file `path` as a layer, compressed by zstd (OCI image-spec, layer.md). Everything streams.
 * @throws what {@link tarStream} throws; NodeJS.ErrnoException; the signal's reason
 */
export async function packLayer(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  path: string,
  comment: string,
  signal: AbortSignal,
): Promise<PackedLayer> {
  const [plain, packed] = [newSummary(), newSummary()];
  await pipeline(tarStream(entries), summed(plain), createZstdCompress(ZSTD), summed(packed), createWriteStream(path), {
    signal,
  });
  return {
    blob: { mediaType: OCI.zstdLayer, digest: `sha256:${packed.hash.digest("hex")}`, size: packed.size },
    diffId: `sha256:${plain.hash.digest("hex")}`,
    ...{ comment, path },
  };
}

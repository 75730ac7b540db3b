import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import { constants, zstdCompressSync } from "node:zlib";
import type { ImageLayer } from "../../domain/image.ts";
import { OCI } from "../../domain/oci.ts";
import { type TarEntry, tarStream } from "./tar-stream.ts";

const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 9, [constants.ZSTD_c_checksumFlag]: 1 } };

/** How much of a layer becomes one frame; twice the window of that level, so that little is lost. */
const FRAME_BYTES = 8 * 1024 * 1024;

/** The same bytes, which `summary` learns as they pass. */
const summed = (summary: ReturnType<typeof newSummary>) =>
  async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of chunks) {
      summary.hash.update(chunk);
      summary.size += chunk.byteLength;
      yield chunk;
    }
  };

/** The same bytes in pieces of one size, but for the last. A piece is overwritten by the next. */
async function* inPieces(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const piece = Buffer.alloc(FRAME_BYTES);
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; ) {
      const part = chunk.subarray(at, at + FRAME_BYTES - filled);
      piece.set(part, filled);
      at += part.byteLength;
      filled += part.byteLength;
      if (filled < FRAME_BYTES) continue;
      yield piece;
      filled = 0;
    }
  }
  if (filled > 0) yield piece.subarray(0, filled);
}

/**
 * Compresses a stream, one frame per piece (RFC 8878, 3): with the zstd of the pinned Node the same bytes on every machine.
 * Node's own stream of zstd is not fit for that: it ends with an empty frame or without, as chunks happen to arrive.
 */
async function* compressed(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const piece of inPieces(chunks)) yield zstdCompressSync(piece, ZSTD);
}

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
  await pipeline(tarStream(entries), summed(plain), compressed, summed(packed), createWriteStream(path), {
    signal,
  });
  return {
    blob: { mediaType: OCI.zstdLayer, digest: `sha256:${packed.hash.digest("hex")}`, size: packed.size },
    diffId: `sha256:${plain.hash.digest("hex")}`,
    ...{ comment, path },
  };
}

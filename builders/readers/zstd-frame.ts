import type { Writable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";
import { invalidArchive } from "./cpio-reader.ts";

/** 0xFD2FB528, little endian (RFC 8878, 3.1.1). */
export const ZSTD_MAGIC = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);

const CHECKSUM_BYTES = 4;
const MAX_BLOCK_BYTES = 128 * 1024;
const BLOCK_HEADER_BYTES = 3;
const BLOCK_TYPE = { raw: 0, rle: 1, compressed: 2 } as const;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4] as const;
const CONTENT_SIZE_BYTES = [0, 2, 4, 8] as const;

/** Sizes that the frame header descriptor gives (RFC 8878, 3.1.1.1.1): of the header after it, and of the checksum. */
function frameLayout(descriptor: number): { headerBytes: number; checksumBytes: number } {
  const singleSegment = (descriptor & 0x20) !== 0;
  const contentSizeFlag = descriptor >> 6;
  const contentSize = contentSizeFlag === 0 && singleSegment ? 1 : (CONTENT_SIZE_BYTES[contentSizeFlag] ?? 0);
  const dictionaryId = DICTIONARY_ID_BYTES[descriptor & 3] ?? 0;
  return {
    headerBytes: (singleSegment ? 0 : 1) + dictionaryId + contentSize,
    checksumBytes: (descriptor & 0x04) === 0 ? 0 : CHECKSUM_BYTES,
  };
}

/**
 * The bytes of exactly one frame, found by its block headers: node's decompressor drops what follows a frame without
 * saying where it ended.
 */
async function* frameBytes(source: ByteSource): AsyncGenerator<Uint8Array> {
  const start = source.position();
  const take = async (length: number): Promise<Uint8Array> => {
    const bytes = await source.take(length);
    if (bytes.length < length)
      throw invalidArchive(source, start, `zstd frame is truncated at byte ${source.position()}`);
    return bytes;
  };
  const lead = await take(ZSTD_MAGIC.length + 1);
  yield lead;
  const descriptor = lead[ZSTD_MAGIC.length] ?? 0;
  if ((descriptor & 0x08) !== 0) throw invalidArchive(source, start, "zstd frame header has its reserved bit set");
  const { headerBytes, checksumBytes } = frameLayout(descriptor);
  yield await take(headerBytes);
  for (let last = false; !last; ) {
    const at = source.position();
    const header = await take(BLOCK_HEADER_BYTES);
    yield header;
    const word = (header[0] ?? 0) | ((header[1] ?? 0) << 8) | ((header[2] ?? 0) << 16);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    if (type > BLOCK_TYPE.compressed) throw invalidArchive(source, at, "zstd block has the reserved type");
    if (size > MAX_BLOCK_BYTES)
      throw invalidArchive(source, at, `zstd block of ${size} bytes; the limit is ${MAX_BLOCK_BYTES}`);
    yield await take(type === BLOCK_TYPE.rle ? 1 : size);
  }
  if (checksumBytes > 0) yield await take(checksumBytes);
}

/** Each piece costs the decompressor a trip to another thread; the largest block fits. */
const PIECE_BYTES = 256 * 1024;

/** Gives a frame to the decompressor, every piece from the same buffer: it is done with one before it gets the next. */
async function feed(frame: AsyncIterable<Uint8Array>, decompressor: Writable): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let size = 0;
  const write = () =>
    new Promise<void>((resolve, reject) => {
      decompressor.write(buffer.subarray(0, size), (error) => (error ? reject(error) : resolve()));
      size = 0;
    });
  for await (const bytes of frame) {
    if (size + bytes.length > buffer.length) await write();
    buffer.set(bytes, size);
    size += bytes.length;
  }
  await write();
  decompressor.end();
}

/** Gives the memory of a chunk back at once: a collector that waits for its own time lets them pile up. */
function release({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

/**
 * What the one zstd frame at the source's position holds, each chunk until the next is asked for; leaves the source
 * behind the frame.
 * @throws BuildError OutputInvalid if the frame is truncated or its data corrupt
 */
export async function* zstdFrame(source: ByteSource): AsyncGenerator<Uint8Array> {
  const start = source.position();
  const decompressor = createZstdDecompress({ chunkSize: PIECE_BYTES });
  // an error reaches the reader through the decompressor
  const feeding = feed(frameBytes(source), decompressor).catch((error: Error) => void decompressor.destroy(error));
  try {
    for await (const chunk of decompressor as AsyncIterable<Buffer>) {
      yield chunk;
      release(chunk);
    }
    await feeding;
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("ZSTD_")) {
      throw invalidArchive(source, start, `zstd frame is corrupt: ${error.message}`, error);
    }
    throw error;
  }
}

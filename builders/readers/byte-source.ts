/** A cursor over a stream of bytes. Reads return fewer bytes than asked for only at the end of the stream. */
export type ByteSource = {
  /** what the bytes are, for messages: a file name, or what was decompressed */
  readonly name: string;
  /** offset of the next byte */
  readonly position: () => number;
  /** the next bytes, left where they are */
  readonly peek: (length: number) => Promise<Uint8Array>;
  readonly take: (length: number) => Promise<Uint8Array>;
  /** passes over bytes without joining them; gives the number passed over */
  readonly skip: (length: number) => Promise<number>;
  /** passes over NUL bytes */
  readonly skipZeros: () => Promise<void>;
};

/**
 * Reads `chunks` in order and holds no more of them than the largest request needs. What it returns may be a view
 * of a chunk, so the producer must not reuse its buffers.
 */
export function byteSource(name: string, chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let current: Uint8Array = new Uint8Array(0);
  let at = 0;
  let consumed = 0;

  /** Makes the current chunk non-empty; false at the end. */
  const more = async (): Promise<boolean> => {
    while (at === current.length) {
      const next = await iterator.next();
      if (next.done === true) return false;
      current = next.value;
      at = 0;
    }
    return true;
  };
  const advance = (length: number): void => {
    at += length;
    consumed += length;
  };

  const peek = async (length: number): Promise<Uint8Array> => {
    while (current.length - at < length) {
      const next = await iterator.next();
      if (next.done === true) break;
      current = Buffer.concat([current.subarray(at), next.value]);
      at = 0;
    }
    return current.subarray(at, at + length);
  };
  const take = async (length: number): Promise<Uint8Array> => {
    const bytes = await peek(length);
    advance(bytes.length);
    return bytes;
  };
  const skip = async (length: number): Promise<number> => {
    let left = length;
    while (left > 0 && (await more())) {
      const step = Math.min(left, current.length - at);
      advance(step);
      left -= step;
    }
    return length - left;
  };
  const skipZeros = async (): Promise<void> => {
    while (await more()) {
      const end = current.subarray(at).findIndex((byte) => byte !== 0);
      advance(end < 0 ? current.length - at : end);
      if (end >= 0) return;
    }
  };
  return { name, position: () => consumed, peek, take, skip, skipZeros };
}

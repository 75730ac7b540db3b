import type { RandomAccess } from "./random-access.ts";

/**
 * A cursor over a stream of bytes. Reads return fewer bytes than asked for only at the end of the stream; what they
 * return is there until the next call, then its memory may be used again.
 */
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
 * Reads `chunks` in order and holds no more of them than the largest request needs. A chunk is no longer used once the
 * next one is asked for.
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
      const left = Buffer.from(current.subarray(at)); // the producer may reuse a chunk when it makes the next one
      const next = await iterator.next();
      current = next.done === true ? left : Buffer.concat([left, next.value]);
      at = 0;
      if (next.done === true) break;
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

const WINDOW_BYTES = 256 * 1024;

/** The bytes of an image in order. What is passed over is not read. */
export function imageSource(image: RandomAccess): ByteSource {
  let at = 0;
  let lent = Buffer.allocUnsafeSlow(Math.min(WINDOW_BYTES, image.size));
  let window: { readonly at: number; readonly bytes: Uint8Array } = { at: 0, bytes: lent.subarray(0, 0) };

  const peek = async (length: number): Promise<Uint8Array> => {
    const wanted = Math.min(length, image.size - at);
    if (wanted === 0) return lent.subarray(0, 0);
    if (at < window.at || at + wanted > window.at + window.bytes.length) {
      const size = Math.min(Math.max(wanted, WINDOW_BYTES), image.size - at);
      if (size > lent.length) lent = Buffer.allocUnsafeSlow(size);
      window = { at, bytes: await image.readAt(at, size, lent) };
    }
    return window.bytes.subarray(at - window.at, at - window.at + wanted);
  };
  const take = async (length: number): Promise<Uint8Array> => {
    const bytes = await peek(length);
    at += bytes.length;
    return bytes;
  };
  const skip = async (length: number): Promise<number> => {
    const step = Math.min(length, image.size - at);
    at += step;
    return step;
  };
  const skipZeros = async (): Promise<void> => {
    while (at < image.size) {
      const bytes = await peek(WINDOW_BYTES);
      const end = bytes.findIndex((byte) => byte !== 0);
      at += end < 0 ? bytes.length : end;
      if (end >= 0) return;
    }
  };
  return { name: image.name, position: () => at, peek, take, skip, skipZeros };
}

import { open } from "node:fs/promises";
import { imageFault } from "./image-fault.ts";

/**
 * Gives exactly `length` bytes from `offset` on. The caller must not change them: they may be shared. Who reads much and
 * keeps none of it lends a buffer of at least `length` bytes, which the result may then lie in.
 */
export type ReadAt = (offset: number, length: number, lent?: Buffer) => Promise<Uint8Array>;

/** Bytes that can be read in any order: a file, a partition, a file of a file system. */
export type RandomAccess = {
  /** for messages */
  readonly name: string;
  readonly size: number;
  /** @throws BuildError OutputInvalid if the range is not wholly inside, or larger than {@link MAX_READ_BYTES} */
  readonly readAt: ReadAt;
};

/** Where a piece of a file lies. Pieces are in order of `offset`; what no piece covers reads as zeros. */
export type Extent = {
  /** in the file */
  readonly offset: number;
  readonly length: number;
  /** in what holds the file */
  readonly at: number;
};

/** No single structure of a sound image is larger; a damaged length must not fill the memory. */
export const MAX_READ_BYTES = 64 * 1024 * 1024;

const BLOCK_BYTES = 16 * 1024;
const CACHED_BLOCKS = 256;

function checkRange(image: Pick<RandomAccess, "name" | "size">, offset: number, length: number): void {
  const valid = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (!valid || offset + length > image.size) {
    throw imageFault(image.name, offset, `${length} bytes are named here, but it ends at ${image.size}`);
  }
  if (length > MAX_READ_BYTES) throw imageFault(image.name, offset, `a structure of ${length} bytes`);
}

/** Bytes in memory. */
export function bytesAccess(name: string, bytes: Uint8Array): RandomAccess {
  const image = { name, size: bytes.length };
  const readAt: ReadAt = async (offset, length) => {
    checkRange(image, offset, length);
    return bytes.subarray(offset, offset + length);
  };
  return { ...image, readAt };
}

/**
 * A file. What is shorter than a block is read in whole ones, of which the last used are kept: walking a file system asks
 * for the same ones again and again. They are small, since what it asks for lies far apart and each stays in memory until
 * it is collected.
 * @throws NodeJS.ErrnoException if it cannot be opened
 */
export async function openFile(path: string): Promise<RandomAccess & AsyncDisposable> {
  const file = await open(path, "r");
  const image = { name: path, size: (await file.stat()).size };
  const cache = new Map<number, Promise<Buffer>>();

  const readInto = async (buffer: Buffer, start: number): Promise<Buffer> => {
    for (let filled = 0; filled < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled);
      if (bytesRead === 0) throw imageFault(path, start + filled, "the file became shorter while it was read");
      filled += bytesRead;
    }
    return buffer;
  };
  const load = (index: number): Promise<Buffer> => {
    const start = index * BLOCK_BYTES;
    return readInto(Buffer.allocUnsafeSlow(Math.min(BLOCK_BYTES, image.size - start)), start);
  };
  const blockAt = (index: number): Promise<Buffer> => {
    const known = cache.get(index);
    const block = known ?? load(index);
    cache.delete(index); // the order of a Map is that of insertion: the oldest comes first
    cache.set(index, block);
    if (cache.size > CACHED_BLOCKS) for (const oldest of cache.keys()) if (cache.delete(oldest)) break;
    return block;
  };
  const readAt: ReadAt = async (offset, length, lent) => {
    checkRange(image, offset, length);
    // whoever reads this much reads on, not again: it would only drive out what is needed again
    if (length >= BLOCK_BYTES) return readInto(lent?.subarray(0, length) ?? Buffer.allocUnsafeSlow(length), offset);
    const first = Math.floor(offset / BLOCK_BYTES);
    const within = offset - first * BLOCK_BYTES;
    if (within + length <= BLOCK_BYTES) {
      return length === 0 ? new Uint8Array(0) : (await blockAt(first)).subarray(within, within + length);
    }
    const result = Buffer.allocUnsafe(length);
    for (let done = 0; done < length; ) {
      const index = Math.floor((offset + done) / BLOCK_BYTES);
      const from = offset + done - index * BLOCK_BYTES;
      done += (await blockAt(index)).copy(result, done, from);
    }
    return result;
  };
  return { ...image, readAt, [Symbol.asyncDispose]: () => file.close() };
}

/**
 * A range of an image as an image of its own.
 * @throws BuildError OutputInvalid if the range is not wholly inside
 */
export function rangeAccess(parent: RandomAccess, name: string, offset: number, length: number): RandomAccess {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw imageFault(parent.name, 0, `${name} has no sensible place: ${length} bytes at ${offset}`);
  }
  if (offset + length > parent.size) {
    throw imageFault(parent.name, offset, `${name} of ${length} bytes starts here, but all ends at ${parent.size}`);
  }
  const image = { name, size: length };
  const readAt: ReadAt = async (at, size, lent) => {
    checkRange(image, at, size);
    return parent.readAt(offset + at, size, lent);
  };
  return { ...image, readAt };
}

/** `length` zeros, in the lent buffer if there is one. */
export const zeroed = (length: number, lent?: Buffer): Buffer =>
  lent?.subarray(0, length).fill(0) ?? Buffer.alloc(length);

/** A file that lies in pieces in `parent`. */
export function extentsAccess(
  parent: RandomAccess,
  name: string,
  extents: readonly Extent[],
  size: number,
): RandomAccess {
  const image = { name, size };
  const readAt: ReadAt = async (offset, length, lent) => {
    checkRange(image, offset, length);
    const whole = extents[firstEndingAfter(extents, offset)];
    if (whole !== undefined && offset >= whole.offset && offset + length <= whole.offset + whole.length) {
      return parent.readAt(whole.at + offset - whole.offset, length, lent);
    }
    const result = zeroed(length, lent);
    for (let index = firstEndingAfter(extents, offset); index < extents.length; index++) {
      const extent = extents[index];
      if (extent === undefined || extent.offset >= offset + length) break;
      const from = Math.max(offset, extent.offset);
      const to = Math.min(offset + length, extent.offset + extent.length);
      const place = result.subarray(from - offset, to - offset);
      place.set(await parent.readAt(extent.at + from - extent.offset, to - from, place));
    }
    return result;
  };
  return { ...image, readAt };
}

/** Index of the first extent that ends behind `offset`; the number of extents if there is none. */
function firstEndingAfter(extents: readonly Extent[], offset: number): number {
  let [low, high] = [0, extents.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    const extent = extents[middle];
    if (extent !== undefined && extent.offset + extent.length <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Which byte of a file lies at `at` of what holds it; undefined if none does. */
export function offsetInExtents(extents: readonly Extent[], at: number): number | undefined {
  const extent = extents.find((one) => at >= one.at && at < one.at + one.length);
  return extent === undefined ? undefined : extent.offset + at - extent.at;
}

const STREAM_BYTES = 256 * 1024;

/** All bytes from `offset` on, in order, in pieces. */
export async function* streamOf(image: RandomAccess, offset = 0): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < image.size; at += STREAM_BYTES) {
    yield await image.readAt(at, Math.min(STREAM_BYTES, image.size - at));
  }
}

/**
 * The bytes from `offset` on, `length` of them, for who is done with a piece before asking for the next: memory stays
 * flat, since all of them may lie in one buffer.
 */
export async function* passingPieces(
  image: RandomAccess,
  offset = 0,
  length = image.size - offset,
): AsyncGenerator<{ readonly at: number; readonly bytes: Uint8Array }> {
  const lent = Buffer.allocUnsafeSlow(Math.min(STREAM_BYTES, Math.max(length, 0)));
  for (let done = 0; done < length; done += STREAM_BYTES) {
    const at = offset + done;
    yield { at, bytes: await image.readAt(at, Math.min(STREAM_BYTES, length - done), lent) };
  }
}

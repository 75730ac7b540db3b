import { type FileHandle, open } from "node:fs/promises";
import { CHUNK_BYTES } from "./files.ts";

/** Bytes from `offset` on, `length` of them. */
export type ByteRange = { readonly offset: number; readonly length: number };

/** How two byte sequences differ. What only the longer one has counts as differing. */
export type ByteDifference = {
  readonly sizes: readonly [number, number];
  readonly firstOffset: number;
  readonly differingBytes: number;
  /** the first ones, in order; equal bytes between two ranges are more than `gap` */
  readonly ranges: readonly ByteRange[];
  /** of all ranges, listed or not */
  readonly rangeCount: number;
};

export type CompareOptions = {
  /** how many ranges to list */
  readonly maxRanges?: number;
  /** differing bytes with at most this many equal ones between them are one range */
  readonly gap?: number;
  readonly signal?: AbortSignal;
};

const BLOCK_BYTES = 4096;

/** Takes the differing bytes of two sequences in order of offset; memory stays flat whatever it is given. */
export function differenceRecorder(options: Pick<CompareOptions, "maxRanges" | "gap"> = {}) {
  const { maxRanges = 32, gap = 64 } = options;
  const ranges: { offset: number; length: number }[] = [];
  let [first, last, bytes, count] = [-1, 0, 0, 0];
  /** Notes that `length` bytes from `offset` on differ. */
  const add = (offset: number, length: number): void => {
    if (length === 0) return;
    if (first < 0) first = offset;
    bytes += length;
    if (count === 0 || offset - last > gap) {
      count += 1;
      if (count <= maxRanges) ranges.push({ offset, length });
    } else if (count <= maxRanges) {
      const range = ranges[count - 1];
      if (range !== undefined) range.length = offset + length - range.offset;
    }
    last = offset + length;
  };
  const addBlock = (offset: number, left: Uint8Array, right: Uint8Array): void => {
    let from = -1;
    for (let at = 0; at < left.length; at++) {
      const differs = left[at] !== right[at];
      if (differs && from < 0) from = at;
      if (!differs && from >= 0) {
        add(offset + from, at - from);
        from = -1;
      }
    }
    if (from >= 0) add(offset + from, left.length - from);
  };
  /** Compares two pieces of equal length that both stand at `offset`. */
  const compare = (offset: number, left: Uint8Array, right: Uint8Array): void => {
    if (Buffer.compare(left, right) === 0) return;
    for (let at = 0; at < left.length; at += BLOCK_BYTES) {
      const [a, b] = [left.subarray(at, at + BLOCK_BYTES), right.subarray(at, at + BLOCK_BYTES)];
      if (Buffer.compare(a, b) !== 0) addBlock(offset + at, a, b);
    }
  };
  /** What came together, or null if nothing differed. */
  const finish = (sizes: readonly [number, number]): ByteDifference | null =>
    first < 0 ? null : { sizes, firstOffset: first, differingBytes: bytes, ranges, rangeCount: count };
  return { add, compare, finish };
}

/** Fills the buffer from the file's position unless the file ends; read(2) may give less than asked for. */
async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<Buffer> {
  let size = 0;
  while (size < buffer.length) {
    const { bytesRead } = await file.read(buffer, size, buffer.length - size, position + size);
    if (bytesRead === 0) break;
    size += bytesRead;
  }
  return buffer.subarray(0, size);
}

/**
 * Where two files differ; null if they have the same bytes. Reads both once, the next chunks of both while the present
 * ones are compared, with four buffers of {@link CHUNK_BYTES}.
 * @throws NodeJS.ErrnoException if one cannot be read; the signal's reason if it fires
 */
export async function compareFiles(
  left: string,
  right: string,
  options: CompareOptions = {},
): Promise<ByteDifference | null> {
  await using a = await open(left, "r");
  await using b = await open(right, "r");
  const sizes = [(await a.stat()).size, (await b.stat()).size] as const;
  const recorder = differenceRecorder(options);
  const buffers = Array.from({ length: 4 }, () => Buffer.allocUnsafeSlow(CHUNK_BYTES));
  const read = async (offset: number, turn: number) =>
    Promise.all([
      fill(a, buffers[turn * 2] ?? Buffer.alloc(0), offset),
      fill(b, buffers[turn * 2 + 1] ?? Buffer.alloc(0), offset),
    ]);
  const common = Math.min(...sizes);
  let chunks = await read(0, 0);
  for (let offset = 0, turn = 1; offset < common; turn = 1 - turn) {
    options.signal?.throwIfAborted();
    const length = Math.min(chunks[0].length, chunks[1].length, common - offset);
    if (length === 0) throw new Error(`${left} or ${right} became shorter while it was compared`);
    const next = read(offset + length, turn);
    recorder.compare(offset, chunks[0].subarray(0, length), chunks[1].subarray(0, length));
    chunks = await next;
    offset += length;
  }
  recorder.add(common, Math.max(...sizes) - common);
  return recorder.finish(sizes);
}

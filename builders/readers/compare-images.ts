import { type ByteDifference, type CompareOptions, differenceRecorder } from "../host/compare-files.ts";
import type { Extent, RandomAccess } from "./random-access.ts";

/** The same thing on both sides. */
export type Pair = readonly [left: RandomAccess, right: RandomAccess];
type Gap = Pick<Extent, "at" | "length">;

const PIECE_BYTES = 256 * 1024;

async function comparePart(
  [left, right]: Pair,
  { at, length }: Gap,
  recorder: ReturnType<typeof differenceRecorder>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const lent = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, length)));
  for (let done = 0; done < length; done += PIECE_BYTES) {
    signal?.throwIfAborted();
    const size = Math.min(PIECE_BYTES, length - done);
    const [a, b] = await Promise.all([left.readAt(at + done, size, lent[0]), right.readAt(at + done, size, lent[1])]);
    recorder.compare(at + done, a, b);
  }
}

/**
 * Where two images differ; null if they have the same bytes.
 * @throws what reading them throws; the signal's reason if it fires
 */
export async function compareImages(pair: Pair, options: CompareOptions = {}): Promise<ByteDifference | null> {
  const sizes = [pair[0].size, pair[1].size] as const;
  const common = Math.min(...sizes);
  const recorder = differenceRecorder(options);
  await comparePart(pair, { at: 0, length: common }, recorder, options.signal);
  recorder.add(common, Math.max(...sizes) - common);
  return recorder.finish(sizes);
}

/** What `covers` leave out of the first `size` bytes; they may overlap and be in any order. */
export function gapsBetween(covers: readonly Gap[], size: number): Gap[] {
  const gaps: Gap[] = [];
  let at = 0;
  for (const cover of covers.toSorted((a, b) => a.at - b.at)) {
    if (cover.at > at) gaps.push({ at, length: Math.min(cover.at, size) - at });
    at = Math.max(at, cover.at + cover.length);
    if (at >= size) break;
  }
  if (at < size) gaps.push({ at, length: size - at });
  return gaps.filter(({ length }) => length > 0);
}

/** {@link compareImages} of two images of one size, without what `covers` say. */
export async function compareOutside(
  pair: Pair,
  covers: readonly Gap[],
  options: CompareOptions = {},
): Promise<ByteDifference | null> {
  const recorder = differenceRecorder(options);
  for (const gap of gapsBetween(covers, Math.min(pair[0].size, pair[1].size))) {
    await comparePart(pair, gap, recorder, options.signal);
  }
  return recorder.finish([pair[0].size, pair[1].size]);
}

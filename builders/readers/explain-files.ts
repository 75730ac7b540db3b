import type { Location } from "../contract/location.ts";
import type { ByteDifference } from "../host/compare-files.ts";
import { gptContents, mbrContents, peContents, qcow2Contents } from "./container-contents.ts";
import type { ContentsReader } from "./contents.ts";
import type { Pair } from "./compare-images.ts";
import { type Explanation, type ExplainOptions, explainDifference } from "./explain-difference.ts";
import { erofsContents, ext4Contents, fatContents } from "./file-system-contents.ts";
import { initramfsContents } from "./initramfs-contents.ts";
import { locateIn } from "./locate.ts";
import { openFile } from "./random-access.ts";

/** In the order of `recognise`, for its reasons. */
const READERS: readonly ContentsReader[] = [
  qcow2Contents,
  gptContents,
  fatContents,
  ext4Contents,
  erofsContents,
  peContents,
  mbrContents,
  initramfsContents,
];

/**
 * What two images differ in, by every format that this project makes.
 * @throws what reading them throws, except faults of their content; the signal's reason if it fires
 */
export const explainImages = (
  pair: Pair,
  options: Pick<ExplainOptions, "difference" | "signal"> = {},
): Promise<Explanation> => explainDifference(pair, { readers: READERS, locate: locateIn, ...options });

/**
 * What two different files differ in, and the way to the first byte that does, in the left one where it has that byte.
 * @param difference what compareFiles said of them
 * @throws NodeJS.ErrnoException if a file cannot be read; the signal's reason if it fires
 */
export async function explainFiles(
  left: string,
  right: string,
  difference: ByteDifference,
  signal?: AbortSignal,
): Promise<Explanation & { readonly firstByte: readonly Location[] }> {
  await using a = await openFile(left);
  await using b = await openFile(right);
  const { firstOffset } = difference;
  const firstByte = await locateIn(firstOffset < a.size ? a : b, firstOffset);
  const options = { difference, ...(signal === undefined ? {} : { signal }) };
  return { ...(await explainImages([a, b], options)), firstByte };
}

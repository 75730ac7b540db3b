import { isUtf8 } from "node:buffer";
import type { Pair } from "./compare-images.ts";
import type { RandomAccess } from "./random-access.ts";

/** A line, or a word of a text that is one line, as both sides have it; null where one has no such piece. */
export type TextDifference = {
  readonly name: string;
  /** where it starts in the left text */
  readonly offset: number;
  readonly values: [string | null, string | null];
};

const MAX_TEXT_BYTES = 1024 * 1024;
// oxlint-disable-next-line no-control-regex -- these are what tells text from data
const NOT_TEXT = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/;

/** A small UTF-8 text; null for all else. */
async function readText(image: RandomAccess): Promise<string | null> {
  if (image.size > MAX_TEXT_BYTES) return null;
  const bytes = Buffer.from(await image.readAt(0, image.size));
  const text = isUtf8(bytes) ? bytes.toString("utf8") : "\0";
  return NOT_TEXT.test(text) ? null : text;
}

/** `console=` of `console=tty0` where both words have it, else their number. */
function nameOf(left: string | undefined, right: string | undefined, number: number, isLine: boolean): string {
  const key = /^[^=\s]+(?==)/.exec(left ?? "")?.[0];
  if (!isLine && key !== undefined && right?.startsWith(`${key}=`) === true) return key;
  return `${isLine ? "line" : "word"} ${number}`;
}

/**
 * The pieces between the common start and the common end of two texts: lines, or words if both are one line, such as a
 * kernel command line. Null if one of them is no text, or if only line ends or spaces differ.
 */
export async function textDifferences(pair: Pair): Promise<TextDifference[] | null> {
  const [left, right] = [await readText(pair[0]), await readText(pair[1])];
  if (left === null || right === null) return null;
  const isLine = [left, right].some((text) => text.trimEnd().includes("\n"));
  const separator = isLine ? "\n" : " ";
  const [a, b] = [left.trimEnd().split(separator), right.trimEnd().split(separator)];
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const count = Math.max(a.length, b.length) - end - start;
  if (count === 0) return null;
  const at = (pieces: readonly string[], number: number) => (number < pieces.length - end ? pieces[number] : undefined);
  let offset = Buffer.byteLength(a.slice(0, start).join(separator)) + (start === 0 ? 0 : 1);
  const found = Array.from({ length: count }, (_, index) => {
    const [one, other] = [at(a, start + index), at(b, start + index)];
    const difference: TextDifference = {
      name: nameOf(one, other, start + index + 1, isLine),
      offset,
      values: [one ?? null, other ?? null],
    };
    offset += one === undefined ? 0 : Buffer.byteLength(one) + 1;
    return difference;
  });
  return found.filter(({ values }) => values[0] !== values[1]);
}

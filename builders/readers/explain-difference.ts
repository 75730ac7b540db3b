import type { Finding } from "../contract/difference.ts";
import type { Location } from "../contract/location.ts";
import type { ByteDifference } from "../host/compare-files.ts";
import { compareImages, compareOutside, type Pair } from "./compare-images.ts";
import type { Contents, ContentsReader, Item } from "./contents.ts";
import { isImageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { textDifferences } from "./text-difference.ts";

export type ExplainOptions = {
  readonly readers: readonly ContentsReader[];
  /** names what byte `offset` is, from outside to inside */
  readonly locate: (image: RandomAccess, offset: number) => Promise<readonly Location[]>;
  /** findings beyond this number are only counted */
  readonly maxFindings?: number;
  /** how the two differ, where that is known already */
  readonly difference?: ByteDifference;
  readonly signal?: AbortSignal;
};

/** What a difference comes down to, and what could not be told. */
export type Explanation = { readonly findings: readonly Finding[]; readonly notes: readonly string[] };

const MAX_DEPTH = 12;
const MAX_LOCATED = 8;
const MAX_HEX_BYTES = 16;
const MAX_TEXT = 8;

const keyOf = (trail: readonly Location[]): string => JSON.stringify(trail.map(({ kind, name }) => [kind, name]));
const startOf = (difference: ByteDifference | null): number => difference?.firstOffset ?? 0;

/** The trail with the place of the first differing byte in its last step. */
const placed = (trail: readonly Location[], offset: number): Location[] =>
  trail.map((step, index) => (index === trail.length - 1 ? { ...step, offset } : step));

async function hex(image: RandomAccess, offset: number, length: number): Promise<string | null> {
  const size = Math.min(length, MAX_HEX_BYTES, image.size - offset);
  return size <= 0 ? null : `0x${Buffer.from(await image.readAt(offset, size)).toString("hex")}`;
}

/** Takes both sides apart with the first reader that knows both; a side that its format's reader refuses is a note. */
async function readBoth(
  pair: Pair,
  readers: readonly ContentsReader[],
  note: (text: string) => void,
): Promise<readonly [Contents, Contents] | null> {
  for (const reader of readers) {
    try {
      const [left, right] = [await reader(pair[0]), await reader(pair[1])];
      if (left !== null && right !== null) return [left, right];
    } catch (error) {
      if (!isImageFault(error)) throw error;
      note(`not taken apart: ${error.message}`);
      return null;
    }
  }
  return null;
}

const sameCovers = (left: Contents, right: Contents): boolean =>
  JSON.stringify(left.items.map(({ covers }) => covers)) === JSON.stringify(right.items.map(({ covers }) => covers));

/**
 * Finds what two images of one format that differ differ in: takes both apart, matches what they hold by name, and goes
 * into whatever is not the same, as deep as there are readers. Compressed things are compared by what they hold.
 * @throws what reading the images throws, except faults of their content; the signal's reason if it fires
 */
export async function explainDifference(pair: Pair, options: ExplainOptions): Promise<Explanation> {
  const { readers, locate, maxFindings = 64, signal } = options;
  const findings: Finding[] = [];
  const notes: string[] = [];
  let count = 0;
  const emit = (trail: readonly Location[], aspect: string, values: Finding["values"]): void => {
    count += 1;
    if (count <= maxFindings) findings.push({ trail: [...trail], aspect, values });
  };
  const stopping = signal === undefined ? {} : { signal };
  const note = (text: string): void => void (notes.includes(text) || notes.push(text));

  /** Lines or words; false if the two are no texts. */
  const emitText = async (sides: Pair, prefix: readonly Location[]): Promise<boolean> => {
    const differences = await textDifferences(sides);
    for (const { name, offset, values } of differences?.slice(0, MAX_TEXT) ?? []) {
      emit([...prefix, { kind: "field", name, offset }], "text", values);
    }
    if (differences !== null) count += Math.max(0, differences.length - MAX_TEXT);
    return differences !== null;
  };

  /** Bytes that nothing said more about: named by their place, one finding for each place. */
  const emitRanges = async (sides: Pair, prefix: readonly Location[], difference: ByteDifference): Promise<void> => {
    const told = new Set<string>();
    for (const { offset, length } of difference.ranges) {
      if (told.size === MAX_LOCATED) return note("further bytes differ in places that are not listed");
      const side = offset < sides[0].size ? 0 : 1;
      const trail = (await locate(sides[side], offset)).filter(({ kind }) => kind !== "format");
      const key = keyOf(trail);
      if (told.has(key)) continue;
      told.add(key);
      const whole = trail.length === 0 ? placed(prefix, offset) : [...prefix, ...trail];
      emit(whole, "data", [await hex(sides[0], offset, length), await hex(sides[1], offset, length)]);
    }
  };

  const compareFacts = (
    prefix: readonly Location[],
    items: readonly [Item, Item],
    which: (item: Item) => Readonly<Record<string, string>>,
  ): void => {
    const [left, right] = [which(items[0]), which(items[1])];
    for (const name of new Set([...Object.keys(left), ...Object.keys(right)])) {
      if (left[name] === right[name]) continue;
      emit([...prefix, ...items[0].trail], name, [left[name] ?? null, right[name] ?? null]);
    }
  };

  const compareContent = async (prefix: readonly Location[], [left, right]: readonly [Item, Item], depth: number) => {
    if (left.open === null || right.open === null) return;
    if (left.sha256 !== undefined && left.sha256 === right.sha256) return;
    if (left.stored !== undefined && right.stored !== undefined) {
      if ((await compareImages([left.stored, right.stored], stopping)) === null) return;
    }
    if (count >= maxFindings) {
      count += 1; // it differs, but it is not opened: that may cost a decompression
      return;
    }
    try {
      await explain([await left.open(), await right.open()], [...prefix, ...left.trail], depth + 1);
    } catch (error) {
      if (!isImageFault(error)) throw error;
      note(`not opened: ${error.message}`);
      emit([...prefix, ...left.trail], "data", [left.sha256 ?? null, right.sha256 ?? null]);
    }
  };

  /** What is told only where all else is the same: numbers in order, the order itself. */
  const compareMinor = (prefix: readonly Location[], [left, right]: readonly [Contents, Contents]): void => {
    left.items.forEach((item, index) => {
      const other = right.items[index];
      if (other === undefined) return;
      if (keyOf(other.trail) === keyOf(item.trail)) compareFacts(prefix, [item, other], ({ minor = {} }) => minor);
      else emit([...prefix, ...item.trail], "order", [item.trail.at(-1)?.name ?? "", other.trail.at(-1)?.name ?? ""]);
    });
  };

  const compareContents = async (
    sides: Pair,
    prefix: readonly Location[],
    [left, right]: readonly [Contents, Contents],
    depth: number,
  ): Promise<void> => {
    const before = count;
    const others = new Map(right.items.map((item) => [keyOf(item.trail), item]));
    const pairs: [Item, Item][] = [];
    for (const item of left.items) {
      const other = others.get(keyOf(item.trail));
      if (other === undefined) emit([...prefix, ...item.trail], "presence", ["there", null]);
      else pairs.push([item, other]);
    }
    const known = new Set(left.items.map(({ trail }) => keyOf(trail)));
    for (const item of right.items) {
      if (!known.has(keyOf(item.trail))) emit([...prefix, ...item.trail], "presence", [null, "there"]);
    }
    for (const both of pairs) compareFacts(prefix, both, ({ facts }) => facts);
    const told = count > before; // what the records say is told: their bytes need not be told again
    for (const both of pairs) await compareContent(prefix, both, depth);
    if (count === before) compareMinor(prefix, [left, right]);
    if (told || !left.exact || !right.exact || !sameCovers(left, right)) return;
    const covers = left.items.flatMap((item) => item.covers);
    const outside = await compareOutside(sides, covers, stopping);
    if (outside !== null) await emitRanges(sides, prefix, outside);
  };

  const explain = async (
    sides: Pair,
    prefix: readonly Location[],
    depth: number,
    known?: ByteDifference,
  ): Promise<void> => {
    const difference = known ?? (await compareImages(sides, stopping));
    if (difference === null) return;
    const trail = placed(prefix, startOf(difference));
    const contents = depth > MAX_DEPTH ? null : await readBoth(sides, readers, note);
    const before = count;
    if (contents !== null) await compareContents(sides, trail, contents, depth);
    if (count > before || (await emitText(sides, trail))) return;
    await emitRanges(sides, trail, difference);
  };

  await explain(pair, [], 0, options.difference);
  if (count > findings.length) note(`${count - findings.length} more differences are not listed`);
  return { findings, notes };
}

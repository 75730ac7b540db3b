import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ByteDifference, compareFiles, differenceRecorder } from "./compare-files.ts";
import { CHUNK_BYTES } from "./files.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-compare-"));
});
afterAll(() => rm(folder, { recursive: true }));

let count = 0;
async function store(content: Uint8Array): Promise<string> {
  const path = join(folder, String(count++));
  await writeFile(path, content);
  return path;
}

/** The same by the definition, byte by byte. */
function expected(left: Uint8Array, right: Uint8Array, gap: number, maxRanges: number): ByteDifference | null {
  const size = Math.max(left.length, right.length);
  const differing = Array.from({ length: size }, (_, at) => at).filter((at) => left[at] !== right[at]);
  const [firstOffset] = differing;
  if (firstOffset === undefined) return null;
  const ranges: { offset: number; length: number }[] = [];
  for (const at of differing) {
    const last = ranges.at(-1);
    if (last !== undefined && at - (last.offset + last.length) <= gap) last.length = at + 1 - last.offset;
    else ranges.push({ offset: at, length: 1 });
  }
  return {
    sizes: [left.length, right.length],
    firstOffset,
    differingBytes: differing.length,
    ranges: ranges.slice(0, maxRanges),
    rangeCount: ranges.length,
  };
}

/** Content with few different bytes, so that equal and differing runs of every length occur. */
const content = fc.uint8Array({ max: 2, maxLength: 300 });

test("first offset, number and ranges are those of the definition", () => {
  fc.assert(
    fc.property(content, content, fc.nat(12), fc.integer({ min: 1, max: 6 }), fc.nat(40), (a, b, gap, max, cut) => {
      const recorder = differenceRecorder({ gap, maxRanges: max });
      const common = Math.min(a.length, b.length);
      const border = Math.min(cut, common); // two chunks, as a file's come
      recorder.compare(0, a.subarray(0, border), b.subarray(0, border));
      recorder.compare(border, a.subarray(border, common), b.subarray(border, common));
      recorder.add(common, Math.max(a.length, b.length) - common);
      expect(recorder.finish([a.length, b.length])).toEqual(expected(a, b, gap, max));
    }),
  );
});

test("bytes changed anywhere in a file of several chunks are found where they are", async () => {
  const size = 2 * CHUNK_BYTES + 12_345;
  const original = Buffer.alloc(size, "imgrel");
  const left = await store(original);
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(size - 1), { minLength: 1, maxLength: 20 }), async (offsets) => {
      const changed = Buffer.from(original);
      for (const at of offsets) changed[at] = (changed[at] ?? 0) ^ 0x80;
      const right = await store(changed);
      const found = await compareFiles(left, right, { gap: 0 });
      const sorted = offsets.toSorted((a, b) => a - b);
      expect(found).toMatchObject({ firstOffset: sorted[0], differingBytes: sorted.length, sizes: [size, size] });
      const covered = found?.ranges.flatMap(({ offset, length }) => Array.from({ length }, (_, at) => offset + at));
      expect(covered).toEqual(sorted);
      await rm(right);
    }),
    { numRuns: 15 },
  );
});

describe("files", () => {
  test.each([
    ["the border of two chunks", [CHUNK_BYTES - 1, CHUNK_BYTES]],
    ["the last byte", [3 * CHUNK_BYTES - 1]],
    ["the first byte", [0]],
  ])("that differ at %s", async (_where, offsets) => {
    const original = Buffer.alloc(3 * CHUNK_BYTES);
    const changed = Buffer.from(original);
    for (const at of offsets) changed[at] = 1;
    const found = await compareFiles(await store(original), await store(changed));
    expect(found?.ranges).toEqual([{ offset: offsets[0], length: offsets.length }]);
    expect(found?.rangeCount).toBe(1);
  });

  test("of equal bytes have no difference", async () => {
    for (const size of [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1]) {
      const bytes = Buffer.alloc(size, 7);
      expect(await compareFiles(await store(bytes), await store(bytes))).toBeNull();
    }
  });

  test("of which one is the start of the other differ from its end on", async () => {
    const long = Buffer.alloc(CHUNK_BYTES + 500, 3);
    for (const size of [0, 10, CHUNK_BYTES]) {
      const short = await store(long.subarray(0, size));
      expect(await compareFiles(await store(long), short)).toEqual({
        sizes: [long.length, size],
        firstOffset: size,
        differingBytes: long.length - size,
        ranges: [{ offset: size, length: long.length - size }],
        rangeCount: 1,
      });
    }
  });

  test("have exact offsets beyond 4 GiB, and more ranges than are listed are counted", () => {
    const recorder = differenceRecorder();
    const at = 2 ** 33 + 5;
    for (let index = 0; index < 40; index++) recorder.compare(at + index * 100, Buffer.of(0, 0), Buffer.of(0, 1));
    const found = recorder.finish([2 ** 34, 2 ** 34]);
    expect(found).toMatchObject({ firstOffset: at + 1, differingBytes: 40, rangeCount: 40 });
    expect(found?.ranges).toHaveLength(32);
    expect(found?.ranges[31]).toEqual({ offset: at + 3101, length: 1 });
  });

  test("one that is not there is an error that names it", async () => {
    const gone = join(folder, "gone");
    await expect(compareFiles(await store(Buffer.of(1)), gone)).rejects.toThrow(gone);
  });

  test("the comparison stops when it is told to", async () => {
    const path = await store(Buffer.alloc(10));
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(compareFiles(path, path, { signal })).rejects.toThrow("enough");
  });
});

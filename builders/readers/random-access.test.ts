import { randomBytes } from "node:crypto";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  bytesAccess,
  type Extent,
  extentsAccess,
  MAX_READ_BYTES,
  offsetInExtents,
  openFile,
  passingPieces,
  rangeAccess,
  streamOf,
} from "./random-access.ts";

const CONTENT = randomBytes(11 * 1024 * 1024 + 77); // more than the blocks that are kept
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-access-"));
  await writeFile(join(folder, "file"), CONTENT);
});
afterAll(() => rm(folder, { recursive: true }));

describe("a file", () => {
  test("gives any range as it is, whatever was read before", async () => {
    await using image = await openFile(join(folder, "file"));
    expect(image.size).toBe(CONTENT.length);
    const range = fc.tuple(fc.nat(CONTENT.length), fc.nat(200_000));
    await fc.assert(
      fc.asyncProperty(range, async ([offset, wanted]) => {
        const length = Math.min(wanted, CONTENT.length - offset);
        const bytes = await image.readAt(offset, length);
        expect(Buffer.compare(bytes, CONTENT.subarray(offset, offset + length))).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("puts what is large into the buffer that it is lent", async () => {
    await using image = await openFile(join(folder, "file"));
    const lent = Buffer.alloc(200_000);
    for (const [offset, length] of [
      [3, 200_000],
      [70_000, 100_000],
      [9, 20],
    ] as const) {
      const bytes = await rangeAccess(image, "all", 1, image.size - 1).readAt(offset, length, lent);
      expect(Buffer.compare(bytes, CONTENT.subarray(offset + 1, offset + 1 + length))).toBe(0);
      expect(bytes.buffer === lent.buffer).toBe(length > 20);
    }
  });

  test("is passed over in one buffer", async () => {
    await using image = await openFile(join(folder, "file"));
    const pieces: Buffer[] = [];
    const buffers = new Set<unknown>();
    for await (const { at, bytes } of passingPieces(image, 5, CONTENT.length - 10)) {
      expect(at).toBe(5 + Buffer.concat(pieces).length);
      pieces.push(Buffer.from(bytes));
      if (bytes.length > 100_000) buffers.add(bytes.buffer);
    }
    expect(Buffer.concat(pieces).equals(CONTENT.subarray(5, -5))).toBe(true);
    expect(buffers.size).toBe(1);
  });

  test("is read in order by a stream", async () => {
    await using image = await openFile(join(folder, "file"));
    const pieces: Uint8Array[] = [];
    for await (const piece of streamOf(image, 5)) pieces.push(Buffer.from(piece));
    expect(Buffer.concat(pieces).equals(CONTENT.subarray(5))).toBe(true);
  });

  test("that becomes shorter meanwhile is a fault", async () => {
    const path = join(folder, "shrinks");
    await writeFile(path, "0123456789");
    await using image = await openFile(path);
    await truncate(path, 3);
    await expect(image.readAt(0, 10)).rejects.toThrow("became shorter");
  });
});

describe("what is not there is not read", () => {
  const image = bytesAccess("x", Buffer.from("0123456789"));
  test.each([
    [0, 11],
    [10, 1],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [Number.MAX_SAFE_INTEGER, 1],
    [Number.NaN, 1],
  ])("%d, %d bytes", async (offset, length) => {
    await expect(image.readAt(offset, length)).rejects.toThrow("it ends at 10");
    await expect(rangeAccess(image, "y", 0, 10).readAt(offset, length)).rejects.toThrow("it ends at 10");
    await expect(extentsAccess(image, "z", [], 10).readAt(offset, length)).rejects.toThrow("it ends at 10");
  });
  test("a structure that no image has", async () => {
    const huge = { ...image, size: 2 ** 40 };
    await expect(rangeAccess(huge, "y", 0, 2 ** 39).readAt(0, MAX_READ_BYTES + 1)).rejects.toThrow("a structure of");
  });
  test.each([
    [5, 6],
    [-1, 2],
    [0, Number.NaN],
  ])("a range of %d, %d bytes", (offset, length) => {
    expect(() => rangeAccess(image, "part", offset, length)).toThrow(/^x, byte .*part/);
  });
});

test("a file in pieces reads as if it were in one, holes as zeros", async () => {
  const disk = randomBytes(4096);
  const parts = fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 1, max: 60 }), fc.nat(4000)), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(2000), fc.nat(2000), async (pieces, from, wanted) => {
      const whole = Buffer.alloc(2000);
      const extents: Extent[] = [];
      let offset = 0;
      for (const [gap, length, at] of pieces) {
        offset += gap;
        extents.push({ offset, length, at });
        disk.copy(whole, offset, at, at + length);
        offset += length;
      }
      const length = Math.min(wanted, 2000 - from);
      const file = extentsAccess(bytesAccess("disk", disk), "file", extents, 2000);
      for (const lent of [undefined, Buffer.alloc(2000, 0xee)]) {
        const bytes = await file.readAt(from, length, lent);
        expect(Buffer.compare(bytes, whole.subarray(from, from + length))).toBe(0);
      }
    }),
  );
});

test("the place of a byte in a file in pieces", () => {
  const extents = [
    { offset: 0, length: 10, at: 100 },
    { offset: 20, length: 5, at: 50 },
  ];
  expect([99, 100, 109, 110, 50, 54, 55].map((at) => offsetInExtents(extents, at))).toEqual([
    undefined,
    0,
    9,
    undefined,
    20,
    24,
    undefined,
  ]);
});

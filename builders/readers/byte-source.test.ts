import fc from "fast-check";
import { expect, test } from "vitest";
import { type ByteSource, byteSource, imageSource } from "./byte-source.ts";
import { bytesAccess, type RandomAccess } from "./random-access.ts";

/** A producer that writes every chunk into the same buffer. */
async function* recycled(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    const size = Math.min(step, bytes.length - at);
    buffer.fill(0xee);
    buffer.set(bytes.subarray(at, at + size));
    yield buffer.subarray(0, size);
  }
}

/** A file as openFile has it: what it reads is put where the reader lends room. */
const lending = (bytes: Uint8Array): RandomAccess => {
  const image = bytesAccess("x", bytes);
  return {
    ...image,
    readAt: async (offset, length, lent) => {
      const place = lent?.subarray(0, length) ?? Buffer.alloc(length);
      place.set(await image.readAt(offset, length));
      return place;
    },
  };
};

type Step = { readonly kind: "peek" | "take" | "skip" | "zeros"; readonly length: number };

/** What a source answers to a sequence of calls. */
async function answers(source: ByteSource, steps: readonly Step[]): Promise<unknown[]> {
  const list: unknown[] = [];
  for (const { kind, length } of steps) {
    if (kind === "zeros") await source.skipZeros();
    else if (kind === "skip") list.push(await source.skip(length));
    else list.push([...(await source[kind](length))]);
    list.push(source.position());
  }
  return list;
}

test("a source of chunks and one of an image give the same, whatever is asked", async () => {
  const content = fc.array(fc.oneof(fc.constant(0), fc.nat(255)), { maxLength: 300 });
  const step = fc.record({
    kind: fc.constantFrom("peek" as const, "take" as const, "skip" as const, "zeros" as const),
    length: fc.nat(80),
  });
  await fc.assert(
    fc.asyncProperty(content, fc.integer({ min: 1, max: 50 }), fc.array(step), async (numbers, size, steps) => {
      const bytes = Uint8Array.from(numbers);
      const plain = await answers(imageSource(bytesAccess("x", bytes)), steps);
      expect(await answers(byteSource("x", recycled(bytes, size)), steps)).toEqual(plain);
      expect(await answers(imageSource(lending(bytes)), steps)).toEqual(plain);
    }),
  );
});

test("an image's source reads on behind its window, and nothing of what is passed over", async () => {
  const read: [number, number][] = [];
  const size = 2 ** 40;
  const image: RandomAccess = {
    name: "x",
    size,
    readAt: async (offset, length) => {
      read.push([offset, length]);
      return Buffer.alloc(length, offset === 0 ? 1 : 2);
    },
  };
  const source = imageSource(image);
  expect((await source.take(100))[0]).toBe(1);
  expect(await source.skip(2 ** 39)).toBe(2 ** 39);
  expect((await source.take(1_000_000)).length).toBe(1_000_000);
  expect(await source.skip(size)).toBe(size - 2 ** 39 - 1_000_100);
  expect((await source.take(1)).length).toBe(0);
  expect(read).toEqual([
    [0, 262_144],
    [2 ** 39 + 100, 1_000_000],
  ]);
});

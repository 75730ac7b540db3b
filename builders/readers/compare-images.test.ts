import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareImages, compareOutside, gapsBetween } from "./compare-images.ts";
import { bytesAccess } from "./random-access.ts";

const image = (bytes: Uint8Array) => bytesAccess("test", bytes);
const cover = fc.record({ at: fc.nat(60), length: fc.nat(20) });

describe("gapsBetween", () => {
  test("are all bytes that no cover has, once and in order", () => {
    fc.assert(
      fc.property(fc.array(cover, { maxLength: 6 }), fc.nat(60), (covers, size) => {
        const free = Array.from({ length: size }, (_, at) => at).filter(
          (at) => !covers.some((one) => at >= one.at && at < one.at + one.length),
        );
        const found = gapsBetween(covers, size).flatMap(({ at, length }) =>
          Array.from({ length }, (_, index) => at + index),
        );
        expect(found).toEqual(free);
      }),
    );
  });
});

describe("images", () => {
  const large = Buffer.alloc(200_000, 5);
  test("differ where their bytes do, across the pieces that are read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(fc.nat(large.length - 1), { minLength: 1, maxLength: 5 }), async (places) => {
        const changed = Buffer.from(large);
        for (const at of places) changed[at] = 6;
        const found = await compareImages([image(large), image(changed)]);
        expect(found).toMatchObject({ firstOffset: Math.min(...places), differingBytes: places.length });
      }),
      { numRuns: 30 },
    );
    expect(await compareImages([image(large), image(large)])).toBeNull();
    const longer = Buffer.concat([large, Buffer.of(1)]);
    expect(await compareImages([image(large), image(longer)])).toMatchObject({ firstOffset: large.length });
  });

  test("outside of covers only what no cover has counts", async () => {
    const changed = Buffer.from(large);
    for (const at of [10, 50, 150_000]) changed[at] = 6;
    const covers = [
      { at: 40, length: 20 },
      { at: 100_000, length: 60_000 },
    ];
    expect(await compareOutside([image(large), image(changed)], covers)).toMatchObject({
      firstOffset: 10,
      differingBytes: 1,
    });
    expect(await compareOutside([image(large), image(changed)], [{ at: 0, length: 200_000 }])).toBeNull();
  });
});

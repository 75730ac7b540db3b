import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Inspection } from "../contract/inspection.ts";
import { SMALL_IMAGES, type SmallImage, smallImage } from "../../test/fakes/small-images.ts";
import { isImageFault } from "./image-fault.ts";
import { inspectImage } from "./inspect.ts";
import { locateIn } from "./locate.ts";
import { bytesAccess, type RandomAccess } from "./random-access.ts";

// Whatever an image holds, reading it ends, stays inside, and fails with nothing but a fault of the image.

/** Reads everything that is there; a fault is an answer, anything else is a bug. */
async function readAll(image: RandomAccess, offset: number): Promise<void> {
  try {
    await inspectImage(image, { files: true });
  } catch (error) {
    if (!isImageFault(error)) throw error;
    expect(error.failure.remedy).not.toBe("");
  }
  const way = await locateIn(image, offset);
  for (const step of way) expect(step.offset).toBeGreaterThanOrEqual(0);
}

/** Counts reads: a reader that goes in circles would need more than these. */
function counted(image: RandomAccess, most: number): RandomAccess {
  let reads = 0;
  return {
    ...image,
    readAt: (offset, length) => {
      reads += 1;
      if (reads > most) throw new Error(`more than ${most} reads`);
      return image.readAt(offset, length);
    },
  };
}

/** Metadata is mostly small numbers: a damaged one is mostly another small or a very large one. */
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0x7f, 0x80, 0xff), fc.nat(255));
/** A place in an image of any size; whole numbers, since fast-check draws doubles close to 0. */
const place = fc.integer({ min: 0, max: 999_999 }).map((part) => part / 1_000_000);
const damage = fc.array(fc.record({ at: place, byte }), { minLength: 1, maxLength: 12 });

describe.each(SMALL_IMAGES)("%s", (name: SmallImage) => {
  test("any damage is told as one, in the first bytes and anywhere", async () => {
    const sound = await smallImage(name);
    expect(sound.length).toBeGreaterThan(0);
    await fc.assert(
      fc.asyncProperty(damage, fc.constantFrom(1, 0.1, 0.02), place, async (changes, part, at) => {
        const bytes = Buffer.from(sound);
        for (const change of changes) bytes[Math.floor(change.at * part * bytes.length)] = change.byte;
        const image = counted(bytesAccess(name, bytes), 200_000);
        await readAll(image, Math.floor(at * bytes.length));
      }),
      { numRuns: 60 },
    );
  });

  test("a cut one is told as such or read as far as it goes", async () => {
    const sound = await smallImage(name);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: sound.length }), async (length) => {
        await readAll(counted(bytesAccess(name, sound.subarray(0, length)), 200_000), length - 1);
      }),
      { numRuns: 25 },
    );
  });

  test("what is read of the sound one is as the contract says", async () => {
    const image = bytesAccess(name, await smallImage(name));
    const content = await inspectImage(image, { files: true });
    const digest = "0".repeat(64);
    const artifact = { file: name, sizeBytes: image.size, sha256: digest, fsverityDigest: `sha256:${digest}`, content };
    expect(Inspection.parse({ schemaVersion: 1, artifacts: [artifact] }).artifacts[0]?.content).toEqual(content);
    expect(JSON.stringify(content)).not.toMatch(/"faults":\["/);
  });
});

test("random bytes behind the mark of a format", async () => {
  const marks: readonly (readonly [at: number, mark: string])[] = [
    [0, "514649fb00000003"],
    [512, "4546492050415254"],
    [1080, "53ef"],
    [1024, "e2e1f5e0"],
    [0, "eb3c90"],
    [0, "4d5a"],
    [0, "303730373031"],
    [0, "28b52ffd"],
    [510, "55aa"],
  ];
  const bytes = fc.uint8Array({ minLength: 2048, maxLength: 16_384 });
  await fc.assert(
    fc.asyncProperty(bytes, fc.constantFrom(...marks), place, async (random, [at, mark], part) => {
      const image = Buffer.from(random);
      Buffer.from(mark, "hex").copy(image, at);
      await readAll(counted(bytesAccess("random", image), 200_000), Math.floor(part * image.length));
    }),
    { numRuns: 300 },
  );
});

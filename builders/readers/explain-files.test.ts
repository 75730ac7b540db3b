import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { altered } from "../../test/fakes/altered.ts";
import { LONG_FILE, SMALL_IMAGES, type SmallImage, smallImage } from "../../test/fakes/small-images.ts";
import type { Finding } from "../contract/difference.ts";
import { isDecodable, decodedAccess, storedAccess } from "./erofs-data.ts";
import { readErofs } from "./erofs-superblock.ts";
import { type ErofsFile, walkErofs } from "./erofs-walk.ts";
import { explainImages } from "./explain-files.ts";
import { bytesAccess } from "./random-access.ts";

const images = new Map<SmallImage, Buffer>();
beforeAll(async () => {
  for (const name of SMALL_IMAGES) images.set(name, await smallImage(name));
});
const bytesOf = (name: SmallImage): Buffer => images.get(name) ?? Buffer.alloc(0);

const explain = (left: Uint8Array, right: Uint8Array) =>
  explainImages([bytesAccess("left", left), bytesAccess("right", right)]);
const told = ({ trail, aspect }: Finding): string =>
  `${trail.map(({ kind, name }) => `${kind} ${name}`).join(" > ")}: ${aspect}`;
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
};

describe.each(SMALL_IMAGES)("%s", (name) => {
  test("whichever byte differs, something is found, whether the image can still be read or not", async () => {
    const bytes = bytesOf(name);
    const used = Array.from({ length: bytes.length }, (_, at) => at).filter((at) => bytes[at] !== 0);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...used), fc.boolean(), async (at, swapped) => {
        const changed = flip(bytes, at);
        const { findings, notes } = swapped ? await explain(changed, bytes) : await explain(bytes, changed);
        expect(findings.length).toBeGreaterThan(0);
        for (const { trail, values } of findings) {
          if (values[0] === values[1]) expect([values[0], notes.length > 0]).toEqual([null, true]);
          expect(trail.every(({ offset }) => offset < 2 ** 31)).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });
});

const LINE = "line 700";
const LINE_AT = LONG_FILE.indexOf("\n700\n") + 1;

/** A byte of line 700 of /usr/bin/long, where the image stores it as it is. */
test.each<[SmallImage, string]>([
  ["plain-erofs", `path /usr/bin/long > field ${LINE}: text`],
  ["ext4", `path /usr/bin/long > field ${LINE}: text`],
])("%s: a byte of a file is told with path and line", async (name, expected) => {
  const bytes = bytesOf(name);
  const at = bytes.indexOf("\n700\n701\n") + 1;
  const { findings } = await explain(bytes, flip(bytes, at));
  expect(findings.map(told)).toEqual([expected]);
  expect(findings[0]).toMatchObject({ values: ["700", "600"] });
  expect(findings[0]?.trail.map(({ offset }) => offset)).toEqual([LINE_AT, LINE_AT]);
});

describe("a compressed file of an erofs", () => {
  async function long(name: SmallImage) {
    const image = bytesAccess(name, bytesOf(name));
    const erofs = await readErofs(image);
    if (erofs === null) throw new Error("no erofs");
    let found: ErofsFile | undefined;
    for await (const file of walkErofs(image, erofs)) if (file.path === "/usr/bin/long") found = file;
    if (found === undefined) throw new Error("no file");
    return { image, erofs, file: found };
  }

  test("is read as it was before, whole and in any piece", async () => {
    const { image, erofs, file } = await long("erofs");
    expect(isDecodable(erofs, file)).toBe(true);
    const content = decodedAccess(image, file);
    expect(Buffer.from(await content.readAt(0, content.size)).toString()).toBe(LONG_FILE);
    await fc.assert(
      fc.asyncProperty(fc.nat(content.size), fc.nat(5000), async (at, wanted) => {
        const length = Math.min(wanted, content.size - at);
        expect(Buffer.from(await content.readAt(at, length)).toString()).toBe(LONG_FILE.slice(at, at + length));
      }),
    );
    await expect(content.readAt(content.size, 1)).rejects.toThrow("it ends at");
    const stored = storedAccess(image, file);
    expect(stored.size).toBe(file.inode.clusters?.reduce((sum, one) => sum + one.length, 0));
  });

  test("is not read if nothing says how it was compressed, but compared as it is stored", async () => {
    const { erofs, file } = await long("legacy-erofs");
    expect(isDecodable(erofs, file)).toBe(false);
    const at = (file.inode.clusters?.[0]?.at ?? 0) + 20;
    const { findings } = await explain(bytesOf("legacy-erofs"), flip(bytesOf("legacy-erofs"), at));
    expect(findings.map(told)).toEqual(["path /usr/bin/long: data"]);
    expect(findings[0]?.trail[0]?.offset).toBe(20);
  });

  test("whose compressed bytes differ is told by its path, also where they are damaged", async () => {
    const { file } = await long("erofs");
    const [cluster] = file.inode.clusters ?? [];
    if (cluster === undefined) throw new Error("no cluster");
    const bytes = bytesOf("erofs");
    const start = cluster.at + bytes.subarray(cluster.at, cluster.at + cluster.length).findIndex((byte) => byte !== 0);
    const literal = start + 40; // behind the first token: lines 1 and following stand there as they are
    const { findings } = await explain(bytes, flip(bytes, literal));
    expect(findings[0] === undefined ? "" : told(findings[0])).toMatch(
      /^path \/usr\/bin\/long > field line [0-9]+: text$/,
    );
    const damaged = await explain(bytes, altered(bytes, [start, "0f0000"]));
    expect(damaged.findings.map(told)).toEqual(["path /usr/bin/long: data"]);
    expect(damaged.notes).toEqual([expect.stringContaining("cannot be decompressed") as string]);
  });
});

test("bytes of a guest's disk are told with the way to them", async () => {
  const bytes = bytesOf("qcow2");
  const mark = bytes.indexOf("hello");
  expect(mark).toBeGreaterThan(0);
  const { findings } = await explain(bytes, flip(bytes, mark));
  expect(findings.map(told)[0]).toMatch(/^guest disk > partition \S+ > path \/\S+ > field word 1: text$/);
});

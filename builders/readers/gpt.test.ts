import { crc32 } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { altered, placeOf } from "../../test/fakes/altered.ts";
import { SMALL_IMAGE_UUID, smallImage } from "../../test/fakes/small-images.ts";
import { type Gpt, GPT_ENTRY, GPT_HEADER, locateInGpt, readGpt } from "./gpt.ts";
import { bytesAccess } from "./random-access.ts";

let disk: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  disk = await smallImage("gpt");
});

const ENTRIES_AT = 1024;
const read = (bytes: Uint8Array): Promise<Gpt | null> => readGpt(bytesAccess("disk", bytes));
const faultsOf = async (bytes: Uint8Array): Promise<readonly string[]> => (await read(bytes))?.faults ?? [];

/** The disk with other fields in its primary table, whose checksums are made right again. */
function rewritten(header: readonly (readonly [at: number, hex: string])[], entries: typeof header = []): Buffer {
  const bytes = altered(
    disk,
    ...header.map(([at, hex]) => [512 + at, hex] as const),
    ...entries.map(([at, hex]) => [ENTRIES_AT + at, hex] as const),
  );
  bytes.writeUInt32LE(
    crc32(bytes.subarray(ENTRIES_AT, ENTRIES_AT + 128 * 128)),
    512 + placeOf(GPT_HEADER, "CRC32 of entries"),
  );
  bytes.writeUInt32LE(0, 512 + 16);
  bytes.writeUInt32LE(crc32(bytes.subarray(512, 512 + 92)), 512 + 16);
  return bytes;
}

test("a table of sfdisk", async () => {
  const gpt = await read(disk);
  expect(gpt).toMatchObject({
    diskGuid: "aaaaaaaa-bbbb-8ccc-8ddd-eeeeeeeeeeee",
    faults: [],
    partitions: [
      {
        number: 1,
        name: "esp",
        typeGuid: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
        uniqueGuid: SMALL_IMAGE_UUID,
        attributes: "0000000000000000",
        offset: 40 * 512,
        length: 256 * 512,
      },
      { number: 2, name: "powernode-root", offset: 296 * 512, length: 64 * 512 },
    ],
  });
});

test("no table without the signature", async () => {
  expect(await read(altered(disk, [512, "00"]))).toBeNull();
  expect(await read(disk.subarray(0, 1023))).toBeNull();
});

describe("what does not hold is told, and the table is read all the same", () => {
  test.each([
    [
      "a disk GUID",
      512 + 56,
      ["primary GPT header: its CRC32 is wrong", "backup GPT: it differs from the primary one"],
    ],
    [
      "the entries",
      ENTRIES_AT + 60,
      ["primary GPT entries: their CRC32 is wrong", "backup GPT: it differs from the primary one"],
    ],
    ["the protective MBR", 446 + 4, ["no protective MBR"]],
  ])("%s", async (_, at, faults) => {
    expect(await faultsOf(altered(disk, [at, "01"]))).toEqual(faults);
  });
  test("the backup's own checksums and its absence", async () => {
    const last = disk.length - 512;
    expect(await faultsOf(altered(disk, [last + 60, "01"]))).toEqual([
      "backup GPT header: its CRC32 is wrong",
      "backup GPT: it differs from the primary one",
    ]);
    expect(await faultsOf(altered(disk, [last, "00"]))).toEqual([expect.stringContaining("no backup GPT header")]);
    expect((await read(altered(disk, [last, "00"])))?.backup).toBeNull();
  });
  test("a disk that is longer than its table thinks", async () => {
    expect(await faultsOf(Buffer.concat([disk, Buffer.alloc(4096)]))).toEqual([
      "backup GPT header: it is not in the last sector of the disk",
    ]);
  });
  test("a header elsewhere than it says", async () => {
    expect(await faultsOf(rewritten([[placeOf(GPT_HEADER, "own LBA"), "07"]]))).toEqual([
      "primary GPT header: it says that it lies at LBA 7",
    ]);
  });
  test("partitions that overlap or are not on the disk", async () => {
    const first = placeOf(GPT_ENTRY, "first LBA");
    const last = placeOf(GPT_ENTRY, "last LBA");
    expect(await faultsOf(rewritten([], [[128 + first, "2700"]]))).toContain("partitions 2 and 1 overlap");
    const outside = await read(rewritten([], [[128 + last, "ff ff"]]));
    expect(outside?.faults).toContainEqual(expect.stringMatching(/^partition 2: bytes 151552 to 33554432 are not on/));
    expect(outside?.partitions).toHaveLength(1);
    expect(await faultsOf(rewritten([], [[last, "0100"]]))).toContainEqual(expect.stringMatching(/^partition 1: /));
  });
});

describe("a table that cannot be one is refused", () => {
  test.each([
    ["header size", "00020100", "GPT header of"],
    ["header size", "10000000", "GPT header of 16 bytes"],
    ["number of entries", "01100000", "4097 GPT entries"],
    ["bytes per entry", "20000000", "of 32 bytes"],
    ["LBA of entries", "ffffff00", "it ends at"],
  ] as const)("%s %s", async (field, hex, message) => {
    await expect(read(rewritten([[placeOf(GPT_HEADER, field), hex]]))).rejects.toThrow(message);
  });
});

test("bytes between and behind partitions belong to none", async () => {
  const image = bytesAccess("disk", disk);
  const gpt = await readGpt(image);
  if (gpt === null) throw new Error("no GPT");
  const at = (offset: number) => locateInGpt(image, gpt, offset).locations;
  expect(at(38 * 512)).toEqual([{ kind: "space", name: "outside all partitions", offset: 38 * 512 }]);
  expect(at(40 * 512)).toEqual([{ kind: "partition", name: "esp", offset: 0 }]);
  expect(at(296 * 512 - 1)).toEqual([{ kind: "partition", name: "esp", offset: 256 * 512 - 1 }]);
  expect(at(512 + 100)).toEqual([{ kind: "structure", name: "primary GPT header", offset: 100 }]);
});

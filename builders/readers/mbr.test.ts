import { beforeAll, expect, test } from "vitest";
import { altered } from "../../test/fakes/altered.ts";
import { smallImage } from "../../test/fakes/small-images.ts";
import { locateInMbr, readMbr } from "./mbr.ts";
import { bytesAccess } from "./random-access.ts";

let disk: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  disk = await smallImage("mbr");
});
const read = (bytes: Uint8Array) => readMbr(bytesAccess("disk", bytes));

test("a table of sfdisk", async () => {
  expect(await read(disk)).toEqual({
    diskId: 0x50574e52,
    bootCode: false,
    partitions: [{ number: 1, type: 0x0c, bootable: true, offset: 8 * 512, length: 256 * 512 }],
  });
  expect((await read(altered(disk, [10, "eb"])))?.bootCode).toBe(true);
});

test.each([
  ["without its signature", [510, "00"]],
  ["with a boot flag that no partition has", [446, "01"]],
  ["without a partition", [450, "00"]],
] as const)("no table %s", async (_, change) => {
  expect(await read(altered(disk, change))).toBeNull();
});

test.each(["05", "0f", "85"])("an extended partition, 0x%s, is refused", async (type) => {
  await expect(read(altered(disk, [450, type]))).rejects.toThrow("partition 1 is an extended one");
});

test("names bytes", async () => {
  const image = bytesAccess("disk", disk);
  const mbr = await readMbr(image);
  if (mbr === null) throw new Error("no MBR");
  const at = (offset: number) => locateInMbr(image, mbr, offset).locations.map(({ kind, name }) => `${kind} ${name}`);
  expect(at(441)).toEqual(["structure master boot record", "field disk identifier"]);
  expect(at(8 * 512)).toEqual(["partition partition 1"]);
  expect(at(264 * 512)).toEqual(["space outside all partitions"]);
});

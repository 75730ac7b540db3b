import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { altered } from "../../test/fakes/altered.ts";
import { peFile } from "../../test/fakes/pe-file.ts";
import { smallImage } from "../../test/fakes/small-images.ts";
import { describeLocation, Location } from "../contract/location.ts";
import { type CpioEntry, cpioArchive } from "../steps/cpio.ts";
import { locate, locateIn } from "./locate.ts";
import { bytesAccess } from "./random-access.ts";

async function archive(...entries: readonly CpioEntry[]): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cpioArchive(entries, 0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const file = (name: string, content: Uint8Array): CpioEntry => ({ type: "file", name, permissions: 0o644, content });
const padded = (bytes: Uint8Array): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
const names = (way: readonly Location[]): string[] => way.map(({ kind, name }) => `${kind} ${name}`);

let initramfs: Buffer = Buffer.alloc(0);
let root: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  root = await smallImage("plain-erofs");
  const main = zstdCompressSync(await archive(file("init", Buffer.from("#!/bin/sh"))));
  initramfs = Buffer.concat([
    padded(main),
    await archive(
      { type: "directory", name: "powernode", permissions: 0o755 },
      file("powernode/root.erofs", root),
      file("last", Buffer.from("12345")),
    ),
  ]);
});

describe("an initramfs", () => {
  const at = (offset: number) => locateIn(bytesAccess("initramfs", initramfs), offset);
  test("segments, headers, names, data, padding, trailer", async () => {
    const start = initramfs.indexOf("powernode/root.erofs") - 110;
    const last = initramfs.lastIndexOf("last\0");
    const data = initramfs.lastIndexOf("12345");
    expect(names(await at(10))).toEqual(["format initramfs", "segment zstd cpio 1"]);
    const inside = (...more: string[]) => ["format initramfs", "segment uncompressed cpio 2", ...more];
    expect(names(await at(start))).toEqual(inside("structure cpio header of powernode/root.erofs", "field magic"));
    expect(names(await at(start + 14))).toEqual(inside("structure cpio header of powernode/root.erofs", "field mode"));
    expect(names(await at(last + 1))).toEqual(inside("structure cpio header of last", "field name"));
    expect(await at(data + 4)).toContainEqual({ kind: "member", name: "last", offset: 4 });
    expect(names(await at(data + 5))).toEqual(inside("member last", "space padding behind its data"));
    expect(names(await at(data + 8))).toEqual(inside("structure cpio trailer"));
  });
  test("a file of the root image in it, in a UKI", async () => {
    const uki = peFile([[".initrd", initramfs]]);
    const way = await locateIn(bytesAccess("uki", uki), uki.indexOf("hello") + 1);
    expect(names(way)).toEqual([
      "format PE image",
      "section .initrd",
      "format initramfs",
      "segment uncompressed cpio 2",
      "member powernode/root.erofs",
      "format erofs file system",
      "path /etc/small",
    ]);
    expect(way.at(-1)?.offset).toBe(1);
  });
});

test("every step's offset is counted from its own start: the byte is the same at each", async () => {
  const disk = await smallImage("gpt");
  const plain = await smallImage("qcow2");
  await fc.assert(
    fc.asyncProperty(fc.nat(plain.length - 1), async (offset) => {
      const way = await locateIn(bytesAccess("qcow2", plain), offset);
      const guest = way.find(({ kind }) => kind === "guest");
      const partition = way.find(({ kind }) => kind === "partition");
      if (guest !== undefined) expect(disk[guest.offset]).toBe(plain[offset]);
      if (partition !== undefined && guest !== undefined) {
        const start = partition.name === "esp" ? 40 * 512 : 296 * 512;
        expect(partition.offset).toBe(guest.offset - start);
      }
      for (const step of way) expect(Location.parse(step)).toEqual(step);
      expect(way.length).toBeGreaterThan(1);
    }),
    { numRuns: 150 },
  );
});

describe("the end of the way", () => {
  test("plain data has no name", async () => {
    expect(await locateIn(bytesAccess("x", Buffer.from("hello")), 2)).toEqual([]);
  });
  test("what is not there has no place", async () => {
    const image = bytesAccess("x", Buffer.from("hello"));
    for (const offset of [5, -1, 0.5]) await expect(locateIn(image, offset)).rejects.toThrow(RangeError);
  });
  test("damage is told with what was known before it", async () => {
    const disk = await smallImage("gpt");
    // the ESP says that it is larger than its partition
    const way = await locateIn(bytesAccess("disk", altered(disk, [40 * 512 + 19, "ffff"])), 40 * 512 + 600);
    expect(names(way)).toEqual([
      "format GPT disk",
      "partition esp",
      expect.stringMatching(
        /^structure not readable: disk, partition 1 \(esp\), byte 0: a FAT file system of 33553920/,
      ),
    ]);
  });
});

test("in one line", () => {
  const way: Location[] = [
    { kind: "partition", name: "esp", offset: 4096 },
    { kind: "field", name: "magic", offset: 1 },
  ];
  expect(describeLocation(way)).toBe('partition "esp" +4096, field "magic"');
});

describe("a file", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "imgrel-locate-"));
  });
  afterAll(() => rm(folder, { recursive: true }));
  test("is read from the disk", async () => {
    await writeFile(join(folder, "image"), initramfs);
    expect(names(await locate(join(folder, "image"), 10))).toEqual(["format initramfs", "segment zstd cpio 1"]);
    await expect(locate(join(folder, "none"), 0)).rejects.toThrow("ENOENT");
  });
});

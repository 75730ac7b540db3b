import { describe, expect, test } from "vitest";
import { EROFS_COMPACT_INODE, EROFS_EXTENDED_INODE } from "./erofs-inode.ts";
import { EROFS_SUPERBLOCK } from "./erofs-superblock.ts";
import { EROFS_ENTRY } from "./erofs-walk.ts";
import { EXT4_GROUP, EXT4_INODE } from "./ext4-inode.ts";
import { EXT4_SUPERBLOCK } from "./ext4-superblock.ts";
import { FAT_ENTRY, FAT_LONG_NAME } from "./fat-directory.ts";
import { FAT16_BOOT, FAT32_BOOT, FAT_INFO } from "./fat.ts";
import { GPT_ENTRY, GPT_HEADER } from "./gpt.ts";
import { MBR } from "./mbr.ts";
import { QCOW2_HEADER } from "./qcow2.ts";
import { decode, locateInStructure, type Structure, structure } from "./structure.ts";

describe("records are as long as their specifications say", () => {
  const tables: readonly (readonly [string, Structure, number, Readonly<Record<string, number>>])[] = [
    ["MBR", MBR, 512, { "disk identifier": 440, "partition 4 type": 498, signature: 510 }],
    ["GPT header", GPT_HEADER, 92, { "disk GUID": 56, "CRC32 of entries": 88 }],
    ["GPT entry", GPT_ENTRY, 128, { "unique GUID": 16, name: 56 }],
    ["FAT16 boot sector", FAT16_BOOT, 512, { "volume serial": 39, "volume label": 43, signature: 510 }],
    ["FAT32 boot sector", FAT32_BOOT, 512, { "root cluster": 44, "volume serial": 67, "boot code": 90 }],
    ["FSInfo", FAT_INFO, 512, { "structure signature": 484, "trail signature": 508 }],
    ["FAT entry", FAT_ENTRY, 32, { "modification date": 24, size: 28 }],
    ["FAT long name", FAT_LONG_NAME, 32, { attributes: 11, "characters 12 and 13": 28 }],
    ["ext4 superblock", EXT4_SUPERBLOCK, 1024, { magic: 56, UUID: 104, "mount options": 512, checksum: 1020 }],
    ["ext4 inode", EXT4_INODE, 160, { "block map": 40, "extra size": 128, "creation time": 144 }],
    ["ext4 group descriptor", EXT4_GROUP, 64, { checksum: 30, "inode table, high half": 40 }],
    ["erofs superblock", EROFS_SUPERBLOCK, 128, { UUID: 48, "incompatible features": 80, "packed inode": 96 }],
    ["erofs compact inode", EROFS_COMPACT_INODE, 32, { data: 16, gid: 26 }],
    ["erofs extended inode", EROFS_EXTENDED_INODE, 64, { data: 16, "link count": 44 }],
    ["erofs directory entry", EROFS_ENTRY, 12, { "file type": 10 }],
    ["qcow2 header", QCOW2_HEADER, 104, { "virtual size": 24, "L1 table offset": 40, "header length": 100 }],
  ];
  test.each(tables)("%s", (_, layout, bytes, places) => {
    expect(layout.bytes).toBe(bytes);
    for (const [name, offset] of Object.entries(places)) {
      expect([name, layout.fields.find((field) => field.name === name)?.offset]).toEqual([name, offset]);
    }
  });
});

const SAMPLE = structure([
  ["one", 1],
  ["two", 2],
  ["eight", 8],
  ["word", 4],
]);

describe("a record", () => {
  test("gives numbers, bytes and text, in its own byte order", () => {
    const bytes = Buffer.from("01 0203 0400000000000000 61620063".replaceAll(" ", ""), "hex");
    const little = decode(SAMPLE, bytes);
    expect([little.number("one"), little.number("two"), little.number("eight"), little.text("word")]).toEqual([
      1,
      0x302,
      4,
      "ab",
    ]);
    expect(little.bytes("word").toString("hex")).toBe("61620063");
    const big = decode(
      structure(
        [
          ["two", 2],
          ["eight", 8],
        ],
        "big",
      ),
      bytes,
    );
    expect([big.number("two"), big.number("eight")]).toEqual([0x102, Number(0x0304000000000000n)]);
  });
  test("is not read from fewer bytes than it has", () => {
    expect(() => decode(SAMPLE, Buffer.alloc(14))).toThrow("14 bytes for a record of 15");
  });
  test("names the field of each byte, and what is behind the last", () => {
    expect(locateInStructure("sample", SAMPLE, 2)).toEqual([
      { kind: "structure", name: "sample", offset: 2 },
      { kind: "field", name: "two", offset: 1 },
    ]);
    expect(locateInStructure("sample", SAMPLE, 15)).toEqual([{ kind: "structure", name: "sample", offset: 15 }]);
  });
});

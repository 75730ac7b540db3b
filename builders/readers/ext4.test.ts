import { beforeAll, describe, expect, test } from "vitest";
import { altered, placeOf } from "../../test/fakes/altered.ts";
import { LONG_FILE, SMALL_IMAGE_UUID, smallImage } from "../../test/fakes/small-images.ts";
import { crc32c } from "./crc32c.ts";
import { EXT4_INODE, inodeAt } from "./ext4-inode.ts";
import { EXT4_SUPERBLOCK, type Ext4, readExt4 } from "./ext4-superblock.ts";
import { ext4Entries, type Ext4File, ext4LinkTarget, walkExt4 } from "./ext4-walk.ts";
import { fileAccess } from "./image-file.ts";
import { locateIn } from "./locate.ts";
import { bytesAccess, type RandomAccess } from "./random-access.ts";

let sound: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  sound = await smallImage("ext4");
});

async function open(bytes: Uint8Array): Promise<{ image: RandomAccess; ext4: Ext4 }> {
  const image = bytesAccess("ext4", bytes);
  const ext4 = await readExt4(image);
  if (ext4 === null) throw new Error("no ext4");
  return { image, ext4 };
}
async function files(bytes: Uint8Array): Promise<Map<string, Ext4File>> {
  const { image, ext4 } = await open(bytes);
  const found = new Map<string, Ext4File>();
  for await (const file of walkExt4(image, ext4)) found.set(file.path, file);
  return found;
}
/** Byte of a field of the file's inode. */
async function inFile(
  path: string,
  field: Parameters<typeof placeOf<(typeof EXT4_INODE)["fields"][number]["name"]>>[1],
) {
  const file = (await files(sound)).get(path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file.inode.at + placeOf(EXT4_INODE, field);
}
const superblock = (field: Parameters<typeof placeOf<(typeof EXT4_SUPERBLOCK)["fields"][number]["name"]>>[1]): number =>
  1024 + placeOf(EXT4_SUPERBLOCK, field);

test("what it is and holds", async () => {
  const { image, ext4 } = await open(sound);
  expect(ext4).toMatchObject({
    uuid: SMALL_IMAGE_UUID,
    label: "persist",
    blockBytes: 1024,
    blockCount: 256,
    faults: [],
  });
  expect(ext4.features).toContain("metadata_csum");
  const found = await files(sound);
  expect([...found.keys()].toSorted()).toEqual(
    ["/", "/empty", "/etc", "/etc/link", "/etc/small", "/lost+found", "/usr", "/usr/bin", "/usr/bin/long"].toSorted(),
  );
  const long = found.get("/usr/bin/long");
  const link = found.get("/etc/link");
  if (long === undefined || link === undefined) throw new Error("files are missing");
  expect(Buffer.from(await fileAccess(image, long).readAt(0, long.size)).toString()).toBe(LONG_FILE);
  expect([long.type, long.mode, link.type]).toEqual(["file", 0o644, "symlink"]);
  expect(await ext4LinkTarget(image, link)).toBe("../usr/bin/long");
});

test("no ext4 without the magic", async () => {
  expect(await readExt4(bytesAccess("x", altered(sound, [superblock("magic"), "0000"])))).toBeNull();
  expect(await readExt4(bytesAccess("x", sound.subarray(0, 2000)))).toBeNull();
});

test("a superblock that was changed is told by its checksum", async () => {
  expect((await open(altered(sound, [superblock("mount count"), "05"]))).ext4.faults).toEqual([
    "superblock: its checksum is wrong",
  ]);
});

/** The file system with another field in its superblock and the right checksum. */
function resealed(field: Parameters<typeof superblock>[0], hex: string): Buffer {
  const bytes = altered(sound, [superblock(field), hex]);
  bytes.writeUInt32LE(crc32c(bytes.subarray(1024, 2044)), 2044);
  return bytes;
}

describe("a file system that this reader does not follow, or that cannot be, is refused", () => {
  test.each([
    ["incompatible features", "10000000", "ext4 with the feature meta_bg"],
    ["incompatible features", "00800000", "ext4 with the feature inline_data"],
    ["read-only compatible features", "00020000", "ext4 with the feature bigalloc"],
    ["log block size", "07000000", "blocks larger than 64 KiB"],
    ["block count, low half", "01010000", "of 257 blocks"],
    ["inode size", "7f00", "inodes of 127 bytes"],
    ["inode size", "8101", "inodes of 385 bytes"],
    ["inodes per group", "00000000", "an ext4 file system of"],
    ["blocks per group", "00000000", "an ext4 file system of"],
    ["blocks per group", "01200000", "an ext4 file system of"],
    ["inode count", "21000000", "33 inodes"],
    ["group descriptor size", "1000", "an ext4 file system of"],
  ] as const)("%s %s", async (field, hex, message) => {
    await expect(open(resealed(field, hex))).rejects.toThrow(message);
  });
});

describe("damaged inodes", () => {
  test.each([
    ["/usr/bin/long", "mode", "0000", "of /usr/bin/long has mode 00"],
    ["/usr/bin/long", "flags", "00000000", "has a block map instead of extents"],
    ["/usr/bin/long", "size, high half", "00200000", "has 35184372107225 bytes"],
    ["/usr", "mode", "a481", null],
    ["/usr/bin", "size, low half", "01040000", "the folder /usr/bin has 1025 bytes"],
  ] as const)("%s: %s", async (path, field, hex, message) => {
    const bytes = altered(sound, [await inFile(path, field), hex]);
    if (message === null) expect((await files(bytes)).get("/usr/bin")).toBeUndefined();
    else await expect(files(bytes)).rejects.toThrow(message);
  });

  test.each([
    ["magic", 0, "0000", "the extent tree of inode"],
    ["more entries than fit", 2, "0500", "has 5 entries at depth 0"],
    ["a depth that no tree has", 6, "0600", "at depth 6"],
    ["a branch outside", 6, "0100", "it ends at"],
    ["an extent outside", 12 + 8, "ffff", "is out of order or outside"],
  ])("extent tree: %s", async (_, at, hex, message) => {
    const map = await inFile("/usr/bin/long", "block map");
    await expect(files(altered(sound, [map + at, hex]))).rejects.toThrow(message);
  });

  test("an extent that is not written yet reads as zeros", async () => {
    const map = await inFile("/usr/bin/long", "block map");
    const long = (await files(altered(sound, [map + 12 + 5, "80"]))).get("/usr/bin/long");
    expect(long?.extents.map(({ offset }) => offset)).toEqual([13_312]); // the second one is as it was
  });

  test("an inode that does not exist", async () => {
    const { image, ext4 } = await open(sound);
    await expect(inodeAt(image, ext4, 0)).rejects.toThrow("there is no inode 0");
    await expect(inodeAt(image, ext4, ext4.inodeCount + 1)).rejects.toThrow(`there is no inode ${ext4.inodeCount + 1}`);
  });
});

describe("records of a folder", () => {
  const record = (inode: number, length: number, name: string, nameLength = name.length): Buffer => {
    const bytes = Buffer.alloc(Math.max(12, length));
    bytes.writeUInt32LE(inode);
    bytes.writeUInt16LE(length, 4);
    bytes.writeUInt8(nameLength, 6);
    bytes.write(name, 8);
    return bytes;
  };
  test("follow each other to the end of the block", () => {
    const block = Buffer.concat([record(2, 12, "a"), record(0, 16, ""), record(5, 36, "name")]);
    expect(ext4Entries(block).map(({ inode, name, at }) => [inode, name, at])).toEqual([
      [2, "a", 0],
      [0, "", 12],
      [5, "name", 28],
    ]);
  });
  test.each([
    ["of no length", record(2, 0, "a")],
    ["of an odd length", record(2, 10, "a")],
    ["longer than the block", record(2, 16, "a").subarray(0, 12)],
    ["shorter than its name", record(2, 12, "a", 5)],
  ])("%s", (_, block) => {
    expect(() => ext4Entries(block)).toThrow("a directory record of");
  });
  test("a folder that stands in itself is refused", async () => {
    const found = await files(sound);
    const [usr, bin] = [found.get("/usr"), found.get("/usr/bin")];
    const at = usr?.extents[0]?.at ?? 0;
    const number = Buffer.alloc(4);
    number.writeUInt32LE(usr?.inode.number ?? 0);
    const entry = sound.subarray(at, at + 1024).indexOf("bin") - 8;
    expect(bin?.inode.number).toBe(sound.readUInt32LE(at + entry));
    await expect(files(altered(sound, [at + entry, number.toString("hex")]))).rejects.toThrow(
      "the folder /usr/bin was seen before",
    );
  });
});

describe("names bytes", () => {
  const at = async (offset: number): Promise<string[]> =>
    (await locateIn(bytesAccess("ext4", sound), offset)).slice(1).map(({ kind, name }) => `${kind} ${name}`);
  test("of the superblock, descriptors, bitmaps and inodes", async () => {
    expect(await at(0)).toEqual(["space room for a boot loader"]);
    expect(await at(superblock("volume name"))).toEqual(["structure superblock", "field volume name"]);
    expect(await at(2048 + 8)).toEqual(["structure descriptor of group 0", "field inode table, low half"]);
    const long = await inFile("/usr/bin/long", "modification time");
    expect(await at(long)).toEqual([
      expect.stringMatching(/^structure inode \d+ \(\/usr\/bin\/long\)$/),
      "field modification time",
    ]);
    const { image, ext4 } = await open(sound);
    expect(await at(await inodeAt(image, ext4, 1))).toEqual(["structure inode 1 (bad blocks)", "field mode"]);
    expect(await at(await inodeAt(image, ext4, ext4.inodeCount))).toEqual([
      `structure inode ${ext4.inodeCount} (no file)`,
      "field mode",
    ]);
  });
  test("of folders, files and what follows their end", async () => {
    const found = await files(sound);
    const long = found.get("/usr/bin/long")?.extents[0]?.at ?? 0;
    expect((await locateIn(bytesAccess("ext4", sound), long + 1500)).at(-1)).toEqual({
      kind: "path",
      name: "/usr/bin/long",
      offset: 1500,
    });
    const small = found.get("/etc/small")?.extents[0]?.at ?? 0;
    expect(await at(small + 5)).toEqual(["path /etc/small", "space behind its end"]);
    const etc = found.get("/etc")?.extents[0]?.at ?? 0;
    const entry = sound.subarray(etc, etc + 1024).indexOf("small");
    expect(await at(etc + entry - 8)).toEqual(["path /etc", "structure directory entry of small", "field inode"]);
    expect(await at(etc + entry + 2)).toEqual(["path /etc", "structure directory entry of small", "field name"]);
    expect(await at(sound.length - 1)).toEqual(["space free block 255"]);
  });
});

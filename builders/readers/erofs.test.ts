import { beforeAll, describe, expect, test } from "vitest";
import { altered, placeOf } from "../../test/fakes/altered.ts";
import { LONG_FILE, SMALL_IMAGE_UUID, type SmallImage, smallImage } from "../../test/fakes/small-images.ts";
import { crc32c } from "./crc32c.ts";
import { EROFS_SUPERBLOCK, type Erofs, readErofs } from "./erofs-superblock.ts";
import { erofsEntries, type ErofsFile, erofsLinkTarget, walkErofs } from "./erofs-walk.ts";
import { fileAccess } from "./image-file.ts";
import { locateIn } from "./locate.ts";
import { bytesAccess, type RandomAccess } from "./random-access.ts";

const images = new Map<SmallImage, Buffer>();
beforeAll(async () => {
  for (const name of ["plain-erofs", "erofs", "legacy-erofs"] as const) images.set(name, await smallImage(name));
});
const bytesOf = (name: SmallImage): Buffer => images.get(name) ?? Buffer.alloc(0);

async function open(bytes: Uint8Array): Promise<{ image: RandomAccess; erofs: Erofs }> {
  const image = bytesAccess("erofs", bytes);
  const erofs = await readErofs(image);
  if (erofs === null) throw new Error("no erofs");
  return { image, erofs };
}
async function files(bytes: Uint8Array): Promise<Map<string, ErofsFile>> {
  const { image, erofs } = await open(bytes);
  const found = new Map<string, ErofsFile>();
  for await (const file of walkErofs(image, erofs)) found.set(file.path, file);
  return found;
}
async function fileIn(name: SmallImage, path: string): Promise<ErofsFile> {
  const file = (await files(bytesOf(name))).get(path);
  if (file === undefined) throw new Error(`no ${path}`);
  return file;
}
const PATHS = ["/", "/empty", "/etc", "/etc/link", "/etc/small", "/usr", "/usr/bin", "/usr/bin/long"];

test.each(["plain-erofs", "erofs", "legacy-erofs"] as const)("%s: what it is and holds", async (name) => {
  const { image, erofs } = await open(bytesOf(name));
  expect(erofs).toMatchObject({ uuid: SMALL_IMAGE_UUID, label: "root", blockBytes: 4096, inodeCount: 8, faults: [] });
  expect(erofs.buildTime).toBe(1767225600);
  const found = await files(bytesOf(name));
  expect([...found.keys()].toSorted()).toEqual(PATHS);
  const link = found.get("/etc/link");
  const small = found.get("/etc/small");
  const long = found.get("/usr/bin/long");
  if (link === undefined || small === undefined || long === undefined) throw new Error("files are missing");
  expect(await erofsLinkTarget(image, link)).toBe("../usr/bin/long");
  expect(Buffer.from(await fileAccess(image, small).readAt(0, 5)).toString()).toBe("hello");
  expect([long.size, long.compressed]).toEqual([LONG_FILE.length, name === "plain-erofs" ? undefined : true]);
  if (name === "plain-erofs") {
    expect(Buffer.from(await fileAccess(image, long).readAt(0, long.size)).toString()).toBe(LONG_FILE);
  } else {
    expect(() => fileAccess(image, long)).toThrow("/usr/bin/long is compressed");
    // without a hole and without overlap, up to the end
    let at = 0;
    for (const cluster of long.inode.clusters ?? []) {
      expect(cluster.offset).toBe(at);
      at += cluster.decodedBytes;
    }
    expect(at).toBe(LONG_FILE.length);
  }
});

test("no erofs without the magic", async () => {
  expect(await readErofs(bytesAccess("x", altered(bytesOf("erofs"), [1024, "00"])))).toBeNull();
  expect(await readErofs(bytesAccess("x", bytesOf("erofs").subarray(0, 1100)))).toBeNull();
});

const field = (name: Parameters<typeof placeOf<(typeof EROFS_SUPERBLOCK)["fields"][number]["name"]>>[1]): number =>
  1024 + placeOf(EROFS_SUPERBLOCK, name);

test("a superblock that was changed is told by its checksum, which covers its whole block", async () => {
  const changed = async (at: number) => (await open(altered(bytesOf("erofs"), [at, "5a"]))).erofs.faults;
  expect(await changed(field("build time"))).toEqual(["superblock: its checksum is wrong"]);
  expect(await changed(4095)).toEqual(["superblock: its checksum is wrong"]);
  expect(await changed(1000)).toEqual([]);
});

describe("what this reader does not follow, or what cannot be, is refused", () => {
  test.each([
    ["incompatible features", "80000000", "incompatible features 0x80"],
    ["extra devices", "0100", "its data is on several devices"],
    ["log block size", "08", "blocks of 2^8 bytes"],
    ["log block size", "11", "blocks of 2^17 bytes"],
    ["log folder block size", "05", "of folders 2^5 blocks"],
    ["block count", "ff000000", "255 blocks of 4096 bytes"],
  ] as const)("%s %s", async (name, hex, message) => {
    const bytes = altered(bytesOf("erofs"), [field(name), hex], [field("checksum"), "00000000"]);
    const block = Buffer.from(bytes.subarray(1024, 4096));
    bytes.writeUInt32LE(crc32c(block), field("checksum"));
    await expect(open(bytes)).rejects.toThrow(message);
  });
});

describe("damaged inodes", () => {
  test.each([
    ["a layout that does not exist", "/etc/small", 0, "0e00", "has data layout 7"],
    ["a mode of no type", "/etc/small", 4, "0000", "of /etc/small has mode 00"],
    ["data outside", "/usr/bin/long", 16, "ffffff00", "the data of inode"],
  ])("%s", async (_, path, at, hex, message) => {
    const { inode } = await fileIn("plain-erofs", path);
    await expect(files(altered(bytesOf("plain-erofs"), [inode.at + at, hex]))).rejects.toThrow(message);
  });

  test("chunks of an unknown format", async () => {
    const { at } = (await fileIn("plain-erofs", "/usr/bin/long")).inode;
    const bytes = altered(bytesOf("plain-erofs"), [at, "0900"], [at + 16, "80000000"]);
    await expect(files(bytes)).rejects.toThrow("chunk format 0x80");
  });

  test("a folder that stands in itself is refused", async () => {
    const usr = await fileIn("plain-erofs", "/usr");
    const bytes = bytesOf("plain-erofs");
    const at = usr.extents[0]?.at ?? 0;
    const folder = bytes.subarray(at, at + usr.size);
    const entry = erofsEntries(folder).find((one) => one.name === "bin")?.at ?? 0;
    const nid = Buffer.alloc(8);
    nid.writeBigUInt64LE(BigInt(usr.inode.nid));
    await expect(files(altered(bytes, [at + entry, nid.toString("hex")]))).rejects.toThrow("/usr/bin was seen before");
  });
});

describe("the map of a compressed file", () => {
  test.each([
    ["advice that is not known", "erofs", 4, "40", "advice 0x4"],
    ["a start without a head", "legacy-erofs", 16, "0200", "the first logical cluster starts no run"],
    ["a run outside", "legacy-erofs", 16 + 4, "ffffff00", "lies at 68719472640, outside"],
  ] as const)("%s", async (_, name, at, hex, message) => {
    const { inode } = await fileIn(name, "/usr/bin/long");
    await expect(files(altered(bytesOf(name), [(inode.map?.at ?? 0) + at, hex]))).rejects.toThrow(message);
  });
  test("all of a file in the fragments", async () => {
    const { inode } = await fileIn("erofs", "/usr/bin/long");
    const found = await files(altered(bytesOf("erofs"), [(inode.map?.at ?? 0) + 7, "80"]));
    expect(found.get("/usr/bin/long")?.inode.clusters).toEqual([]);
  });
});

describe("records of a folder", () => {
  test.each([
    ["too short", "0000"],
    ["without names", "0000000000000000 0000 0000"],
    ["names in the midst of the records", "0000000000000000 0d00 0000 00"],
    ["names behind the end", "0000000000000000 1800 0000"],
    ["a name before the names", "0000000000000000 1800 0000 0000000000000000 0100 0000 61"],
  ])("%s", (_, hex) => {
    expect(() => erofsEntries(Buffer.from(hex.replaceAll(" ", ""), "hex"))).toThrow(RangeError);
  });
});

describe("names bytes", () => {
  const at = async (name: SmallImage, offset: number): Promise<string[]> =>
    (await locateIn(bytesAccess(name, bytesOf(name)), offset)).slice(1).map((one) => `${one.kind} ${one.name}`);
  test("of the superblock and in front of it", async () => {
    expect(await at("erofs", 5)).toEqual(["space in front of the superblock"]);
    expect(await at("erofs", field("UUID") + 15)).toEqual(["structure superblock", "field UUID"]);
  });
  test("of inodes, maps, folders and files", async () => {
    const { inode } = await fileIn("erofs", "/usr/bin/long");
    expect(await at("erofs", inode.at + 4)).toEqual(["structure inode of /usr/bin/long", "field mode"]);
    expect(await at("erofs", inode.map?.at ?? 0)).toEqual(["structure compression map of /usr/bin/long"]);
    const cluster = inode.clusters?.[0];
    expect(await at("erofs", (cluster?.at ?? 0) + (cluster?.length ?? 0) - 1)).toEqual([
      "path /usr/bin/long",
      `cluster compressed bytes 0 to ${cluster?.decodedBytes}`,
    ]);
    const small = await fileIn("erofs", "/etc/small");
    expect(await at("erofs", (small.extents[0]?.at ?? 0) + 4)).toEqual(["path /etc/small"]);
    const etc = await fileIn("erofs", "/etc");
    const folder = etc.extents[0]?.at ?? 0;
    expect(await at("erofs", folder + 12)).toEqual(["path /etc", "structure directory entry of ..", "field inode"]);
  });
});

import { beforeAll, describe, expect, test } from "vitest";
import { altered } from "../../test/fakes/altered.ts";
import { LONG_FILE, smallImage } from "../../test/fakes/small-images.ts";
import { createFsverity } from "../contract/fsverity.ts";
import { attributeText, type ErofsAttribute, erofsAttributes } from "./erofs-attributes.ts";
import { readErofs } from "./erofs-superblock.ts";
import { type ErofsFile, walkErofs } from "./erofs-walk.ts";
import { bytesAccess } from "./random-access.ts";

let bytes: Buffer;
beforeAll(async () => {
  bytes = await smallImage("composefs");
});

async function read(path: string, image = bytes): Promise<{ file: ErofsFile; attributes: ErofsAttribute[] }> {
  const access = bytesAccess("composefs", image);
  const erofs = await readErofs(access);
  if (erofs === null) throw new Error("no erofs");
  for await (const file of walkErofs(access, erofs)) {
    if (file.path === path) return { file, attributes: await erofsAttributes(access, erofs, file.inode) };
  }
  throw new Error(`no ${path}`);
}

describe("attributes of a composefs", () => {
  test.each(["/usr/bin/long", "/usr/bin/copy"])("%s: what overlayfs verifies and where it finds it", async (path) => {
    const verity = createFsverity();
    verity.update(Buffer.from(LONG_FILE));
    const digest = verity.finish().digest.slice("sha256:".length);
    const { attributes } = await read(path);
    expect(Object.fromEntries(attributes.map((one) => [one.name, attributeText(one)]))).toEqual({
      "trusted.overlay.metacopy": `0x00240001${digest}`,
      "trusted.overlay.redirect": `/${digest.slice(0, 2)}/${digest.slice(2)}`,
    });
    for (const { at, value } of attributes) expect(bytes.subarray(at, at + value.length)).toEqual(value);
  });
  test("none of a file whose content stands in the image", async () => {
    expect((await read("/etc/small")).attributes).toEqual([]);
  });
});

describe("what cannot be is refused", () => {
  const inside = async (): Promise<number> => {
    const { inode } = (await read("/usr/bin/long")).file;
    return inode.at + inode.layout.bytes;
  };
  test("more shared ones than there is room for", async () => {
    const at = await inside();
    await expect(read("/usr/bin/long", altered(bytes, [at + 4, "ff"]))).rejects.toThrow("take more than");
  });
  test("a shared one outside the image", async () => {
    const at = await inside();
    await expect(read("/usr/bin/long", altered(bytes, [at + 12, "ffffff7f"]))).rejects.toMatchObject({
      failure: { code: "OutputInvalid" },
    });
  });
  test("one that is larger than its room", async () => {
    const at = await inside();
    // no shared ones: their numbers are read as an entry with a name of 255 bytes
    const image = altered(bytes, [at + 4, "00"], [at + 12, "ff040000"]);
    await expect(read("/usr/bin/long", image)).rejects.toThrow("take more than");
  });
});

test("a value as people read it", () => {
  const text = (value: Buffer): string => attributeText({ value });
  expect(text(Buffer.from("/ab/cd"))).toBe("/ab/cd");
  expect(text(Buffer.from([0x61, 0]))).toBe("0x6100");
  expect(text(Buffer.from([0xff]))).toBe("0xff");
  expect(text(Buffer.alloc(129, "a"))).toMatch(/^129 bytes, sha256:[0-9a-f]{64}$/);
});

import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHUNK_BYTES } from "../host/files.ts";
import { appendCpio, type CpioEntry, cpioArchive } from "./cpio.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-cpio-"));
});
afterAll(() => rm(folder, { recursive: true }));

const EPOCH = 1_767_225_600;
const write = async (entries: Iterable<CpioEntry>, mtime = EPOCH): Promise<Buffer> =>
  Buffer.concat(await collect(cpioArchive(entries, mtime)));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const file = (name: string, content: string | Uint8Array, permissions = 0o644): CpioEntry => ({
  type: "file",
  name,
  permissions,
  content: Buffer.from(content),
});
const directory = (name: string): CpioEntry => ({ type: "directory", name, permissions: 0o755 });

describe("writing", () => {
  test("gives the bytes of the format's definition", async () => {
    const header = (fields: string, name: string) => `070701${fields.replaceAll(" ", "")}${name}\0`;
    const expected = [
      header(
        "00000001 000041ed 00000000 00000000 00000002 6955b900 00000000 00000000 00000000 00000000 00000000 00000002 00000000",
        "d",
      ),
      header(
        "00000002 000081a4 00000000 00000000 00000001 6955b900 00000005 00000000 00000000 00000000 00000000 00000006 00000000",
        "d/abc",
      ),
      "hello\0\0\0",
      header(
        "00000003 0000a1ff 00000000 00000000 00000001 6955b900 00000002 00000000 00000000 00000000 00000000 00000004 00000000",
        "d/l",
      ),
      "\0\0xy\0\0",
      header(
        "00000004 00002180 00000000 00000000 00000001 6955b900 00000000 00000000 00000000 00000005 00000001 00000006 00000000",
        "d/dev",
      ),
      header(
        "00000000 00000000 00000000 00000000 00000001 00000000 00000000 00000000 00000000 00000000 00000000 0000000b 00000000",
        "TRAILER!!!",
      ),
      "\0\0\0",
    ].join("");
    const bytes = await write([
      directory("d"),
      file("d/abc", "hello"),
      { type: "symlink", name: "d/l", target: "xy" },
      { type: "character", name: "d/dev", permissions: 0o600, major: 5, minor: 1 },
    ]);
    expect(bytes.toString("latin1")).toBe(expected + "\0".repeat(1024 - expected.length));
  });

  test("takes a member's content from a file, in pieces", async () => {
    const path = join(folder, "big");
    const content = Buffer.alloc(2 * CHUNK_BYTES + 13, "0123456789");
    await writeFile(path, content);
    const entry: CpioEntry = { type: "file", name: "big", permissions: 0o644, content: { path } };
    const chunks = await collect(cpioArchive([entry], EPOCH));
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBe(CHUNK_BYTES);
    expect(Buffer.concat(chunks).equals(await write([file("big", content)]))).toBe(true);
  });

  test.each<[string, CpioEntry[], RegExp]>([
    ["an absolute name", [directory("/d")], /"\/d" is absolute/],
    ["a name that climbs", [directory("d"), directory("d/..")], /climbs with \.\./],
    ["an empty name", [directory("")], /"" is empty/],
    ["an empty component", [directory("d"), file("d//f", "")], /empty or \. component/],
    ["a . component", [file("./f", "")], /empty or \. component/],
    ["a NUL in a name", [file("f\0g", "")], /holds a NUL/],
    ["a name of 4096 bytes", [file("f".repeat(4096), "")], /longer than 4095 bytes/],
    ["the trailer's name", [file("TRAILER!!!", "")], /marks the end/],
    ["a name twice", [directory("d"), directory("d")], /d is given twice/],
    ["a member before its folder", [file("d/f", "")], /d\/f has no folder entry before it/],
    ["a member below a file", [file("d", ""), file("d/f", "")], /d\/f has no folder entry before it/],
    ["an empty link", [{ type: "symlink", name: "l", target: "" }], /target of 0 bytes/],
    ["a link of 4096 bytes", [{ type: "symlink", name: "l", target: "t".repeat(4096) }], /target of 4096 bytes/],
    ["type bits in permissions", [{ type: "directory", name: "d", permissions: 0o40755 }], /more than twelve bits/],
    [
      "a device number of 33 bits",
      [{ type: "block", name: "b", permissions: 0o600, major: 2 ** 32, minor: 0 }],
      /rdevmajor 4294967296/,
    ],
  ])("refuses %s", async (_name, entries, message) => {
    await expect(write(entries)).rejects.toThrow(message);
  });

  test("refuses a time that does not fit", async () => {
    await expect(write([directory("d")], -1)).rejects.toThrow(/mtime -1 does not fit/);
    await expect(write([directory("d")], 1.5)).rejects.toThrow(/mtime 1.5 does not fit/);
  });

  test("refuses a file of 4 GiB, which the format cannot hold", async () => {
    const path = join(folder, "huge");
    await writeFile(path, "");
    await truncate(path, 2 ** 32);
    const entry: CpioEntry = { type: "file", name: "huge", permissions: 0o644, content: { path } };
    await expect(write([entry])).rejects.toThrow(/filesize 4294967296 does not fit/);
  });

  test("refuses content that is not a regular file", async () => {
    const entry: CpioEntry = { type: "file", name: "f", permissions: 0o644, content: { path: folder } };
    await expect(write([entry])).rejects.toThrow(/not a regular file/);
  });

  test("refuses a file that shrinks while it is read", async () => {
    const path = join(folder, "shrinking");
    await writeFile(path, Buffer.alloc(3 * CHUNK_BYTES));
    const entry: CpioEntry = { type: "file", name: "f", permissions: 0o644, content: { path } };
    const archive = cpioArchive([entry], EPOCH);
    await archive.next(); // the header
    await archive.next(); // the first piece
    await truncate(path, CHUNK_BYTES);
    await expect(collect(archive)).rejects.toThrow(/became shorter/);
  });
});

describe("appending", () => {
  test.each([0, 1, 2, 3, 4, 4097])("an archive after %i bytes starts at the next 4-byte boundary", async (before) => {
    const path = join(folder, `append-${before}`);
    await writeFile(path, Buffer.alloc(before, "x"));
    await appendCpio(path, [directory("d")], EPOCH);
    const start = Math.ceil(before / 4) * 4;
    const expected = Buffer.alloc(start);
    expected.fill("x", 0, before);
    expect(await readFile(path)).toEqual(Buffer.concat([expected, await write([directory("d")])]));
  });

  test("makes a file that is not there", async () => {
    const path = join(folder, "new");
    await appendCpio(path, [directory("d")], EPOCH);
    expect(await readFile(path)).toEqual(await write([directory("d")]));
  });
});

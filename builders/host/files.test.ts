import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex } from "../contract/digest.ts";
import { CHUNK_BYTES, feedFile, sha256File, writeFileAtomic, writeFileOnce } from "./files.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "files-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeFileAtomic", () => {
  it("replaces a file, makes folders and leaves nothing beside it", async () => {
    const path = join(folder, "a/b/file");
    await writeFileAtomic(path, "old", 0o600);
    await writeFileAtomic(path, "new", 0o600);
    expect(await readFile(path, "utf8")).toBe("new");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "a/b"))).toEqual(["file"]);
  });
  it("leaves nothing where it fails", async () => {
    await expect(writeFileAtomic(folder, "a folder")).rejects.toMatchObject({ code: "EISDIR" });
    expect(await readdir(folder)).toEqual([]);
  });
});

describe("writeFileOnce", () => {
  it("writes a file, and leaves one that is there as it is", async () => {
    const path = join(folder, "a/file");
    expect(await writeFileOnce(path, "first", 0o600)).toBe(true);
    expect(await writeFileOnce(path, "second", 0o600)).toBe(false);
    expect(await readFile(path, "utf8")).toBe("first");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, "a"))).toEqual(["file"]);
  });
  it("lets one of many win", async () => {
    const path = join(folder, "file");
    const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const wins = await Promise.all(names.map((name) => writeFileOnce(path, name)));
    expect(wins.filter(Boolean)).toHaveLength(1);
    expect(await readFile(path, "utf8")).toBe(names[wins.indexOf(true)]);
    expect(await readdir(folder)).toEqual(["file"]);
  });
  it("tells any other fault", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(writeFileOnce(join(folder, "file/below"), "x")).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});

describe("feedFile", () => {
  it("shows every byte to every sink, once and in order", async () => {
    const path = join(folder, "file");
    const bytes = Buffer.alloc(2 * CHUNK_BYTES + 7, "abc");
    await writeFile(path, bytes);
    const seen: Buffer[][] = [[], []];
    await feedFile(
      path,
      seen.map((chunks) => ({ update: (chunk) => chunks.push(chunk) })),
    );
    for (const chunks of seen) expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(await sha256File(path)).toBe(sha256Hex(bytes));
  });
  it("stops when the signal fires", async () => {
    const path = join(folder, "file");
    await writeFile(path, Buffer.alloc(3 * CHUNK_BYTES));
    const stop = new AbortController();
    let chunks = 0;
    const sink = { update: () => stop.abort((chunks += 1)) };
    await expect(feedFile(path, [sink], stop.signal)).rejects.toBe(1);
    expect(chunks).toBe(1);
  });
});

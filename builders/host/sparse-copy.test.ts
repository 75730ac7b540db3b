import { mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copyFiles, copySparse, saveSparse } from "./sparse-copy.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sparse-copy-"));
});
afterEach(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);

/** Copies `content` into a new file at `position`; gives that file's bytes. */
async function copied(content: Uint8Array, position: number): Promise<Buffer> {
  await writeFile(at("source"), content);
  await rm(at("target"), { force: true });
  {
    await using target = await open(at("target"), "wx");
    await target.truncate(position + content.length);
    expect(await copySparse(at("source"), target, position)).toBe(content.length);
  }
  return readFile(at("target"));
}

/** Runs of zeros and of data, as file systems' images are made of. */
const content = fc
  .array(fc.tuple(fc.constantFrom(0, 0, 1, 255), fc.nat(40_000)), { maxLength: 12 })
  .map((runs) => Buffer.concat(runs.map(([byte, length]) => Buffer.alloc(length, byte))));

describe("copySparse", () => {
  it("gives the same bytes at the position, whatever is zero", async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.nat(5000), async (bytes, position) => {
        const result = await copied(bytes, position);
        expect(result.subarray(position).equals(bytes)).toBe(true);
        expect(result.subarray(0, position).every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
  it("writes more than one read's worth, up to the last byte", async () => {
    const bytes = Buffer.alloc(3 * 1024 * 1024 + 17, 7);
    expect((await copied(bytes, 3)).subarray(3).equals(bytes)).toBe(true);
  });
  it("takes no blocks for zeros", async () => {
    const bytes = Buffer.alloc(16 * 1024 * 1024);
    bytes.fill(1, 5_000_000, 5_000_100);
    await copied(bytes, 0);
    expect((await stat(at("target"))).blocks * 512).toBeLessThan(256 * 1024);
  });
});

describe("saveSparse", () => {
  /** Bytes in pieces of any length, as a connection brings them. */
  async function* pieces(bytes: Uint8Array, lengths: readonly number[]): AsyncGenerator<Uint8Array, void, void> {
    let at = 0;
    for (const length of lengths) {
      yield bytes.subarray(at, at + length);
      at += length;
    }
    yield bytes.subarray(at);
  }
  const saved = async (bytes: Uint8Array, lengths: readonly number[]): Promise<Buffer> => {
    {
      await using target = await open(at("target"), "w");
      expect(await saveSparse(pieces(bytes, lengths), target)).toBe(bytes.length);
    }
    return readFile(at("target"));
  };
  it("gives the same bytes, whatever their pieces", async () => {
    await fc.assert(
      fc.asyncProperty(content, fc.array(fc.nat(30_000), { maxLength: 10 }), async (bytes, lengths) => {
        expect((await saved(bytes, lengths)).equals(bytes)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
  it("takes no blocks for zeros, in pieces of odd length, and keeps those at the end", async () => {
    const bytes = Buffer.alloc(16 * 1024 * 1024 + 5);
    bytes.fill(1, 5_000_000, 5_000_100);
    expect((await saved(bytes, [1, 70_001, 3_000_003])).equals(bytes)).toBe(true);
    expect((await stat(at("target"))).blocks * 512).toBeLessThan(256 * 1024);
  });
});

describe("copyFiles", () => {
  it("leaves exactly the folder's files, holes as holes", async () => {
    await mkdir(at("from"));
    await mkdir(at("to"));
    await writeFile(at("to/old"), "x");
    await writeFile(at("from/text"), "text");
    {
      await using image = await open(at("from/image"), "wx");
      await image.truncate(64 * 1024 * 1024);
      await image.write(Buffer.from("end"), 0, 3, 64 * 1024 * 1024 - 3);
    }
    await copyFiles(at("from"), at("to"));
    expect(await readFile(at("to/text"), "utf8")).toBe("text");
    await expect(stat(at("to/old"))).rejects.toThrow("ENOENT");
    const { size, blocks } = await stat(at("to/image"));
    expect(size).toBe(64 * 1024 * 1024);
    expect(blocks * 512).toBeLessThan(1024 * 1024);
    expect((await readFile(at("to/image"))).subarray(-3).toString()).toBe("end");
  });
  it("says what it cannot read", async () => {
    await mkdir(at("from/folder"), { recursive: true });
    await expect(copyFiles(at("from"), at("to"))).rejects.toThrow(/EISDIR|EPERM|EINVAL/);
  });
});

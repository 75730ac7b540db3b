import { chmod, link, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import fc from "fast-check";
import { unpackTar } from "modern-tar";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { exec } from "../../../builders/host/exec.ts";
import { packLayer } from "./pack-layer.ts";
import { placedFiles } from "./placed-files.ts";
import { type TarEntry, tarStream } from "./tar-stream.ts";
import { treeEntries } from "./tree-entries.ts";

const EPOCH = 1_700_000_000;
const signal = new AbortController().signal;
let folder = "";
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), "imgrel-layer-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

async function collect(entries: AsyncIterable<TarEntry>): Promise<TarEntry[]> {
  const all: TarEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

const bytesOf = async (entries: Iterable<TarEntry> | AsyncIterable<TarEntry>) => buffer(tarStream(entries));
const file = (path: string, text: string): TarEntry => ({
  ...{ kind: "file", path, mode: 0o644, uid: 0, gid: 0, mtime: EPOCH, size: Buffer.byteLength(text) },
  content: async function* () {
    yield Buffer.from(text);
  },
});

describe("a tar archive", () => {
  it("gives back every path, owner, mode and content", async () => {
    const segment = fc.stringMatching(/^[a-zé][a-z0-9é._-]{0,120}$/);
    const path = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const one = fc.record({ path, text: fc.string(), mode: fc.integer({ min: 0, max: 0o7777 }), uid: fc.nat(65_535) });
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(one, { selector: ({ path }) => path, maxLength: 6 }), async (files) => {
        const entries = files.map(({ path, text, mode, uid }) => ({ ...file(path, text), mode, uid }));
        const read = await unpackTar(await bytesOf(entries), { strict: true });
        const found = read.map(({ header: { name, mode, uid }, data }) => ({
          ...{ path: name, mode, uid, text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(data ?? undefined) },
        }));
        expect(found).toEqual(files.map(({ path, text, mode, uid }) => ({ path, mode, uid, text })));
      }),
      { numRuns: 40 },
    );
  });
  it("ends with an error if a file became longer or shorter than it was", async () => {
    const grown = { ...file("a", "text"), size: 3 } as TarEntry;
    const shrunk = { ...file("a", "text"), size: 5 } as TarEntry;
    await expect(bytesOf([grown])).rejects.toThrow("exceeds given size");
    await expect(bytesOf([shrunk])).rejects.toThrow("Size mismatch");
  });
  it("ends with the error of what it reads", async () => {
    const fault = new Error("gone");
    const broken = {
      ...file("a", "text"),
      content: async function* () {
        yield Buffer.from("te");
        throw fault;
      },
    } as TarEntry;
    await expect(bytesOf([broken])).rejects.toBe(fault);
  });
  it("may be left in the middle", async () => {
    let first = 0;
    for await (const chunk of tarStream([file("a", "x".repeat(1000)), file("b", "y")])) {
      first = chunk.byteLength;
      break;
    }
    expect(first).toBeGreaterThan(0);
  });
});

describe("a root as a layer", () => {
  async function makeRoot(): Promise<string> {
    const root = join(folder, "root");
    await mkdir(join(root, "usr/bin"), { recursive: true });
    await mkdir(join(root, "dev"));
    await writeFile(join(root, "dev/anything"), "");
    await writeFile(join(root, "usr/bin/z"), "program");
    await chmod(join(root, "usr/bin/z"), 0o4755);
    await link(join(root, "usr/bin/z"), join(root, "usr/bin/again"));
    await symlink("usr/bin", join(root, "bin"));
    await utimes(join(root, "usr/bin/z"), EPOCH - 60, EPOCH - 60);
    return root;
  }
  it("keeps modes, links and earlier times; later times and /dev's content go", async () => {
    const entries = await collect(treeEntries(await makeRoot(), EPOCH));
    expect(entries.map(({ path, kind, mtime }) => `${path} ${kind} ${mtime - EPOCH}`)).toEqual([
      ...["bin symlink 0", "dev directory 0", "usr directory 0", "usr/bin directory 0"],
      ...["usr/bin/again file -60", "usr/bin/z link -60"],
    ]);
    expect(entries.at(-1)).toMatchObject({ target: "usr/bin/again" });
    expect((entries.at(-2)?.mode ?? 0) & 0o7777).toBe(0o4755);
  });
  it("is unpacked by GNU tar to the same tree", async () => {
    const root = await makeRoot();
    await writeFile(join(folder, "layer.tar"), await bytesOf(treeEntries(root, EPOCH)));
    await mkdir(join(folder, "again"));
    const { exitCode, tail } = await exec({
      program: "tar",
      args: ["--extract", "--file", join(folder, "layer.tar"), "--directory", join(folder, "again"), "-p"],
    });
    expect(exitCode, tail).toBe(0);
    const described = async (tree: string) =>
      (await collect(treeEntries(tree, EPOCH)))
        .filter(({ path }) => path !== "dev")
        .map((entry) => ({ ...entry, content: undefined }));
    expect(await described(join(folder, "again"))).toEqual(await described(root));
    expect(await readFile(join(folder, "again/bin/z"), "utf8")).toBe("program");
  });
  it("refuses what is no file, folder or link", async () => {
    const root = await makeRoot();
    expect((await exec({ program: "mkfifo", args: [join(root, "pipe")] })).exitCode).toBe(0);
    await expect(collect(treeEntries(root, EPOCH))).rejects.toThrow(`${root}/pipe is neither`);
  });
});

describe("placed files", () => {
  it("have their folders, root as owner and plain modes, whatever the checkout has", async () => {
    await writeFile(join(folder, "program"), "#!/bin/sh\n");
    await writeFile(join(folder, "text"), "text");
    await chmod(join(folder, "program"), 0o700);
    await chmod(join(folder, "text"), 0o600);
    const placed = new Map([
      ["imgrel/b", join(folder, "text")],
      ["imgrel/a/program", join(folder, "program")],
    ]);
    const entries = await placedFiles(
      new Map<string, string | Uint8Array>([...placed, ["etc/x", Buffer.from("x")]]),
      5,
    );
    expect(entries.map(({ path, mode, uid, gid, mtime }) => [path, mode.toString(8), uid, gid, mtime])).toEqual([
      ["etc", "755", 0, 0, 5],
      ["etc/x", "644", 0, 0, 5],
      ["imgrel", "755", 0, 0, 5],
      ["imgrel/a", "755", 0, 0, 5],
      ["imgrel/a/program", "755", 0, 0, 5],
      ["imgrel/b", "644", 0, 0, 5],
    ]);
  });
  it("are files: a link could point out of the checkout", async () => {
    await symlink("/etc/passwd", join(folder, "link"));
    await expect(placedFiles(new Map([["a", join(folder, "link")]]), 0)).rejects.toThrow("is not a file");
    await expect(placedFiles(new Map([["a", join(folder, "gone")]]), 0)).rejects.toThrow("is not a file");
  });
});

describe("a packed layer", () => {
  it("is the same in whatever pieces and how slowly its files are read", async () => {
    const lines = Array.from({ length: 40_000 }, (_, nth) => `line ${nth * nth}\n`).join("");
    const text = lines.slice(0, lines.length - (lines.length % 512)); // no padding follows
    const packed = (size: number, pauseAtEnd: number) => {
      const content = async function* () {
        for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size));
        await setTimeout(pauseAtEnd);
      };
      return packLayer([{ ...file("a", text), content } as TarEntry], join(folder, "l"), "comment", signal);
    };
    const first = await packed(text.length, 0);
    expect(await packed(text.length, 100)).toEqual(first);
    for (const size of [1000, 16_000, 40_000, 60_000]) expect(await packed(size, 0), `${size}`).toEqual(first);
  });
  it("is zstd of the archive; both digests and the size are what lies there", async () => {
    const entries = [file("a", "text"), file("b", "more".repeat(5_000_000))]; // more than one frame
    const layer = await packLayer(entries, join(folder, "l"), "comment", signal);
    const stored = await readFile(join(folder, "l"));
    expect(layer.blob).toEqual({
      ...{ mediaType: "application/vnd.oci.image.layer.v1.tar+zstd", digest: digestOf(stored), size: stored.length },
    });
    expect(layer.diffId).toBe(digestOf(await bytesOf(entries)));
    expect(digestOf(zstdDecompressSync(stored))).toBe(layer.diffId);
  });
});

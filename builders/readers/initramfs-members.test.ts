import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cpioArchive } from "../steps/cpio.ts";
import { initramfsSegments, listInitramfs } from "./initramfs-members.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-initramfs-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function archive(name: string, content: Uint8Array = new Uint8Array(0)): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cpioArchive([{ type: "file", name, permissions: 0o644, content }], 0)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const zstd = (data: Uint8Array, options: Record<number, number> = {}): Buffer =>
  zstdCompressSync(data, { params: options });
const pad = (data: Buffer): Buffer => Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);

let count = 0;
async function store(...parts: Uint8Array[]): Promise<string> {
  const path = join(folder, `${count++}.img`);
  await writeFile(path, Buffer.concat(parts));
  return path;
}
const names = async (...parts: Uint8Array[]): Promise<string[]> =>
  (await listInitramfs(await store(...parts))).map((member) => member.name);

test("lists early cpio, zstd cpio and an appended cpio", async () => {
  const early = await archive("microcode");
  const main = zstd(Buffer.concat([await archive("init"), await archive("etc", Buffer.alloc(300_000, "etc"))]));
  const appended = await archive("root.erofs", randomBytes(3_000_001));
  const path = await store(early, pad(main), Buffer.alloc(400), appended, Buffer.alloc(5));
  const segments = await initramfsSegments(path);
  expect(
    segments.map(({ members, ...segment }) => ({ ...segment, names: members.map((member) => member.name) })),
  ).toEqual([
    { compression: "none", offset: 0, storedBytes: 244, names: ["microcode"] },
    { compression: "zstd", offset: 512, storedBytes: main.length, names: ["init", "etc"] },
    {
      compression: "none",
      offset: 512 + pad(main).length + 400,
      storedBytes: 3_000_001 + 3 + 124 + 124,
      names: ["root.erofs"],
    },
  ]);
  expect((await listInitramfs(path)).map((member) => member.size)).toEqual([0, 0, 300_000, 3_000_001]);
});

test("finds the end of every kind of zstd frame", async () => {
  const { ZSTD_c_checksumFlag: checksum, ZSTD_c_contentSizeFlag: contentSize, ZSTD_c_windowLog: windowLog } = constants;
  const contents = [
    new Uint8Array(0),
    Buffer.alloc(200),
    Buffer.alloc(1_000_000),
    Buffer.alloc(70_000, "text "),
    randomBytes(400_000),
  ];
  const after = await archive("after");
  for (const content of contents) {
    const inner = await archive("inner", content);
    for (const flags of [
      {},
      { [checksum]: 1 },
      { [contentSize]: 0 },
      { [checksum]: 1, [contentSize]: 0, [windowLog]: 17 },
    ]) {
      expect(await names(pad(zstd(inner, flags)), after)).toEqual(["inner", "after"]);
    }
  }
});

test("takes two zstd frames one after the other", async () => {
  expect(await names(pad(zstd(await archive("a"))), zstd(await archive("b")))).toEqual(["a", "b"]);
});

/** A zstd frame whose length is `remainder` modulo 4. */
async function frameOfLength(remainder: number): Promise<Buffer> {
  for (let size = 0; ; size++) {
    const frame = zstd(await archive("main", randomBytes(size)));
    if (frame.length % 4 === remainder) return frame;
  }
}

describe("an archive behind the zstd frame", () => {
  test.each([1, 2, 3])("is refused off the 4-byte boundary, at remainder %i", async (remainder) => {
    const frame = await frameOfLength(remainder);
    const appended = await archive("root.erofs");
    await expect(names(frame, appended)).rejects.toThrow(
      `byte ${frame.length}: an archive starts off a 4-byte boundary`,
    );
    expect(await names(pad(frame), appended)).toEqual(["main", "root.erofs"]);
  });

  test("follows a frame of a fitting length at once", async () => {
    expect(await names(await frameOfLength(0), await archive("root.erofs"))).toEqual(["main", "root.erofs"]);
  });
});

describe("refuses", () => {
  test.each([
    ["1f8b08000000", /byte 0: gzip data; imgrel makes and reads cpio and zstd/],
    ["fd377a585a00", /byte 0: xz data/],
    ["02214c180000", /byte 0: lz4 data/],
    ["502a4d180000", /byte 0: neither cpio nor zstd: bytes 502a4d180000/],
  ])("data that starts with %s", async (hex, message) => {
    await expect(names(Buffer.from(hex, "hex"))).rejects.toThrow(message);
  });

  test("a file without an archive", async () => {
    await expect(names()).rejects.toThrow(/byte 0: there is no cpio archive/);
    await expect(names(Buffer.alloc(16))).rejects.toThrow(/there is no cpio archive/);
  });

  test("a frame that holds no archive, or half of one", async () => {
    await expect(names(zstd(new Uint8Array(0)))).rejects.toThrow(
      /zstd frame at byte 0 of .*, decompressed, byte 0: there is no cpio/,
    );
    const half = (await archive("inner", Buffer.alloc(500, "x"))).subarray(0, 300);
    await expect(names(zstd(half))).rejects.toThrow(
      /decompressed, byte 0: cpio member inner is truncated: 500 bytes .* 184 there/,
    );
  });

  test("a damaged early archive", async () => {
    const early = await archive("microcode");
    early.write("0707z1", 0);
    await expect(names(early)).rejects.toThrow(/byte 0: no cpio header: magic is "0707z1"/);
  });

  test("a frame that is cut anywhere", async () => {
    const frame = zstd(await archive("inner", randomBytes(60)), { [constants.ZSTD_c_checksumFlag]: 1 });
    for (let length = 5; length < frame.length; length++) {
      await expect(names(frame.subarray(0, length))).rejects.toThrow(/byte 0: zstd frame is truncated/);
    }
  });

  test("a frame whose data is damaged", async () => {
    const frame = zstd(await archive("inner", randomBytes(3000)), { [constants.ZSTD_c_checksumFlag]: 1 });
    frame[1500] = (frame[1500] ?? 0) ^ 1;
    await expect(names(frame)).rejects.toThrow(/byte 0: zstd frame is corrupt/);
  });

  test("reserved bits and impossible sizes of a frame", async () => {
    const frame = (descriptor: number, block: number) =>
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, descriptor, 0, block & 0xff, (block >> 8) & 0xff, block >> 16]);
    await expect(names(frame(0x08, 1))).rejects.toThrow(/reserved bit/);
    await expect(names(frame(0, 0b111))).rejects.toThrow(/byte 6: zstd block has the reserved type/);
    await expect(names(frame(0, (131_073 << 3) | 1))).rejects.toThrow(
      /byte 6: zstd block of 131073 bytes; the limit is 131072/,
    );
  });

  test("a file that is not there", async () => {
    await expect(listInitramfs(join(folder, "absent"))).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("any one changed byte gives a list or a BuildError", async () => {
  const bytes = Buffer.concat([pad(zstd(await archive("inner", Buffer.alloc(3000, "text")))), await archive("after")]);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = value;
      const outcome = await names(damaged).catch((error: unknown) => error);
      if (!Array.isArray(outcome))
        expect(outcome).toMatchObject({ name: "BuildError", failure: { code: "OutputInvalid" } });
    }),
  );
});

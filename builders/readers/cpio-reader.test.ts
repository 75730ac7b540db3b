import fc from "fast-check";
import { expect, test } from "vitest";
import { byteSource } from "./byte-source.ts";
import { type CpioEntry, cpioArchive } from "../steps/cpio.ts";
import { type CpioMember, concatenatedCpioMembers } from "./cpio-reader.ts";

const EPOCH = 1_767_225_600;
const write = async (entries: Iterable<CpioEntry>, mtime = EPOCH): Promise<Buffer> =>
  Buffer.concat(await collect(cpioArchive(entries, mtime)));

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Reads `bytes` as a stream that is cut into pieces of `step` bytes. */
async function read(bytes: Uint8Array, step = bytes.length): Promise<CpioMember[]> {
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
  };
  return await collect(concatenatedCpioMembers(byteSource("test.cpio", chunks())));
}

const file = (name: string, content: string | Uint8Array, permissions = 0o644): CpioEntry => ({
  type: "file",
  name,
  permissions,
  content: Buffer.from(content),
});
const directory = (name: string): CpioEntry => ({ type: "directory", name, permissions: 0o755 });

const damage = async (offset: number, text: string): Promise<Buffer> => {
  const bytes = await write([directory("d"), file("d/abc", "hello")]);
  bytes.write(text, offset, "latin1");
  return bytes;
};
// offsets of the second header and of the trailer's
const SECOND = 112;
const TRAILER = 236;

test("lists several archives with NULs between, at any cut of the stream", async () => {
  const bytes = Buffer.concat([
    Buffer.alloc(8),
    await write([directory("d"), file("d/abc", "hello", 0o4755)]),
    Buffer.alloc(1000),
    await write([{ type: "block", name: "sda", permissions: 0o660, major: 8, minor: 3 }], 7),
    Buffer.alloc(3),
  ]);
  const members = await read(bytes);
  expect(members.map(({ name, offset }) => [name, offset])).toEqual([
    ["d", 8],
    ["d/abc", 120],
    ["sda", 1520],
  ]);
  expect(members[1]).toEqual({
    name: "d/abc",
    type: "file",
    mode: 0o104755,
    size: 5,
    mtime: EPOCH,
    uid: 0,
    gid: 0,
    ino: 2,
    nlink: 1,
    rdev: { major: 0, minor: 0 },
    offset: 120,
    dataOffset: 236,
  });
  expect(members[2]).toMatchObject({ type: "block", mode: 0o60660, mtime: 7, rdev: { major: 8, minor: 3 } });
  for (const step of [1, 2, 7, 111, 113]) expect(await read(bytes, step)).toEqual(members);
});

test.each<[string, number, string, RegExp]>([
  ["a bad magic", SECOND, "070707", /^test\.cpio, byte 112: no cpio header: magic is "070707"/],
  ["the crc format", SECOND, "070702", /magic is "070702"/],
  [
    "a field that is not hexadecimal",
    SECOND + 6 + 8,
    "0000_1a4",
    /byte 126: cpio field mode is not hexadecimal: "0000_1a4"/,
  ],
  ["a name without NUL", SECOND + 115, "x", /byte 222: cpio name is not NUL-terminated/],
  ["a NUL inside a name", SECOND + 111, "\0", /byte 222: cpio name holds a NUL/],
  ["a name that is not UTF-8", SECOND + 111, "\xff", /byte 222: cpio name is not UTF-8/],
  ["an empty name", SECOND + 94, "00000001", /cpio name of 1 bytes/],
  ["a name that the kernel skips", SECOND + 94, "00001001", /cpio name of 4097 bytes/],
  ["an absolute name", SECOND + 110, "/", /byte 112: cpio member name "\/\/abc" is absolute/],
  ["a name that climbs", SECOND + 110, "../ab", /byte 112: cpio member name "\.\.\/ab" climbs/],
  ["a mode of no file type", SECOND + 14, "000001a4", /byte 112: cpio member d\/abc has mode 0644 of no file type/],
  ["a trailer with data", TRAILER + 6 + 6 * 8, "00000001", /TRAILER!!! has 1 bytes/],
])("refuses %s", async (_name, offset, text, message) => {
  await expect(read(await damage(offset, text))).rejects.toThrow(message);
});

test("takes a name field that is padded with NULs to align the data", async () => {
  const bytes = await write([file("ab", "hello")]);
  bytes.write("00000006", 94, "latin1"); // the padding becomes part of the name
  expect(await read(bytes)).toMatchObject([{ name: "ab", size: 5 }]);
});

test("refuses an archive that starts off a 4-byte boundary", async () => {
  const archive = await write([directory("d")]);
  await expect(read(Buffer.concat([archive, Buffer.alloc(2), archive]))).rejects.toThrow(
    /byte 514: .* off a 4-byte boundary/,
  );
});

test("refuses rubbish behind an archive, and a stream without one", async () => {
  await expect(read(Buffer.concat([await write([]), Buffer.from("rest")]))).rejects.toThrow(
    /byte 512: cpio header is truncated/,
  );
  await expect(read(Buffer.alloc(0))).rejects.toThrow(/no cpio archive/);
  await expect(read(Buffer.alloc(700))).rejects.toThrow(/byte 700: there is no cpio archive/);
});

test("refuses an archive cut anywhere before the end of its trailer", async () => {
  const bytes = await write([directory("d"), file("d/abc", "hello")]);
  const end = bytes.lastIndexOf("TRAILER!!!") + 10 + 3;
  for (let length = 1; length < end; length++) {
    await expect(read(bytes.subarray(0, length))).rejects.toThrow(/truncated/);
  }
  expect(await read(bytes.subarray(0, end + 1))).toHaveLength(2);
});

const component = fc.stringMatching(/^[a-zäß€._-]{1,9}$/).filter((name) => name !== "." && name !== "..");
const permissions = fc.integer({ min: 0, max: 0o7777 });
const anyEntry: fc.Arbitrary<CpioEntry> = fc.oneof(
  fc.record({ type: fc.constant("directory" as const), name: component, permissions }),
  fc.record({
    type: fc.constant("file" as const),
    name: component,
    permissions,
    content: fc.uint8Array({ maxLength: 99 }),
  }),
  fc.record({ type: fc.constant("symlink" as const), name: component, target: component }),
  fc.record({
    type: fc.constantFrom("character" as const, "block" as const),
    name: component,
    permissions,
    major: fc.nat(),
    minor: fc.nat(),
  }),
);
const entriesInOneFolder = fc
  .tuple(component, fc.uniqueArray(anyEntry, { selector: (entry) => entry.name }))
  .map(([name, entries]) => [
    directory(name),
    ...entries.map((entry) => ({ ...entry, name: `${name}/${entry.name}` })),
  ]);

test("what is written is read again, at any cut of the stream", async () => {
  await fc.assert(
    fc.asyncProperty(
      entriesInOneFolder,
      fc.nat({ max: 0xffff_ffff }),
      fc.integer({ min: 1, max: 600 }),
      async (entries, mtime, step) => {
        const members = await read(await write(entries, mtime), step);
        expect(members.map(({ name, type }) => ({ name, type }))).toEqual(
          entries.map(({ name, type }) => ({ name, type })),
        );
        members.forEach((member, index) => {
          const entry = entries[index];
          const size =
            entry?.type === "file"
              ? (entry.content as Uint8Array).length
              : entry?.type === "symlink"
                ? Buffer.byteLength(entry.target)
                : 0;
          const mode = entry?.type === "symlink" ? 0o777 : entry?.permissions;
          expect(member).toMatchObject({ size, mtime, ino: index + 1 });
          expect(member.mode & 0o7777).toBe(mode);
        });
      },
    ),
  );
});

test("any one changed byte is either harmless or a BuildError with an offset", async () => {
  const bytes = await write([directory("d"), file("d/abc", "hello")]);
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), async (at, value) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = value;
      const outcome = await read(damaged).catch((error: unknown) => error);
      if (Array.isArray(outcome)) return;
      expect(outcome).toMatchObject({
        name: "BuildError",
        failure: { code: "OutputInvalid", message: expect.stringMatching(/byte \d+:/) as string },
      });
    }),
  );
});

import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Finding } from "../contract/difference.ts";
import { type CpioEntry, cpioArchive } from "../steps/cpio.ts";
import type { Contents, Item } from "./contents.ts";
import { type ExplainOptions, explainDifference } from "./explain-difference.ts";
import { imageFault } from "./image-fault.ts";
import { initramfsContents } from "./initramfs-contents.ts";
import { bytesAccess } from "./random-access.ts";

const OPTIONS: ExplainOptions = { readers: [initramfsContents], locate: async () => [] };

const explain = (left: Uint8Array, right: Uint8Array, options: Partial<ExplainOptions> = {}) =>
  explainDifference([bytesAccess("left", left), bytesAccess("right", right)], { ...OPTIONS, ...options });

const names = ({ trail }: Finding): string[] => trail.map(({ kind, name }) => `${kind} ${name}`);

async function archive(entries: readonly CpioEntry[], mtime = 7): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of cpioArchive(entries, mtime)) chunks.push(chunk);
  return Buffer.concat(chunks);
}
const file = (name: string, content: Uint8Array, permissions = 0o644): CpioEntry => ({
  ...{ type: "file", name, permissions, content },
});
const padded = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);

const content = fc.uint8Array({ minLength: 1, maxLength: 5000 }).map((bytes) => Buffer.concat([Buffer.of(0), bytes]));

describe("an initramfs", () => {
  test("in which one byte of a member differs: the member and the byte, however it is compressed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(content, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        async (contents, which, where, compressed) => {
          const index = which % contents.length;
          const at = where % (contents[index]?.length ?? 1);
          const changed = contents.map((bytes, number) => {
            const copy = Buffer.from(bytes);
            if (number === index) copy[at] = (copy[at] ?? 0) ^ 0x80;
            return copy;
          });
          const make = async (list: readonly Buffer[]) => {
            const made = await archive(list.map((bytes, number) => file(`m${number}`, bytes)));
            const early = await archive([file("early", Buffer.of(1))]);
            return Buffer.concat([early, compressed ? zstdCompressSync(made) : made]);
          };
          const { findings, notes } = await explain(await make(contents), await make(changed));
          const segment = `segment ${compressed ? "zstd cpio 2" : "uncompressed cpio 2"}`;
          expect(findings.map(names)).toEqual([[segment, `member m${index}`]]);
          expect(findings[0]).toMatchObject({ aspect: "data" });
          expect(findings[0]?.trail.at(-1)?.offset).toBe(at);
          expect(notes).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });

  const one = file("one", Buffer.from("1\0"));
  const two = file("two", Buffer.from("2\0"));
  test.each<[string, Promise<Buffer>, Promise<Buffer>, Partial<Finding>]>([
    ["a time stamp", archive([one], 7), archive([one], 8), { aspect: "mtime", values: ["7", "8"] }],
    [
      "a mode",
      archive([one]),
      archive([file("one", Buffer.from("1\0"), 0o600)]),
      { aspect: "mode", values: ["0644", "0600"] },
    ],
    ["a member more", archive([one]), archive([one, two]), { aspect: "presence", values: [null, "there"] }],
    ["a member less", archive([one, two]), archive([two]), { aspect: "presence", values: ["there", null] }],
    ["the order", archive([one, two]), archive([two, one]), { aspect: "order", values: ["one", "two"] }],
  ])("in which %s differs", async (_what, left, right, expected) => {
    for (const pack of [(bytes: Buffer) => bytes, zstdCompressSync]) {
      const { findings } = await explain(pack(await left), pack(await right));
      expect(findings[0]).toMatchObject(expected);
    }
  });

  test("of the same members that is compressed differently: the place of the first byte", async () => {
    const made = await archive([file("m", Buffer.alloc(9000, "abcdef"))]);
    const padding = Buffer.concat([padded(zstdCompressSync(made)), Buffer.alloc(64)]);
    const { findings } = await explain(padded(zstdCompressSync(made)), padding, {
      locate: async () => [{ kind: "space", name: "padding between archives", offset: 0 }],
    });
    expect(findings).toMatchObject([{ aspect: "data", trail: [{ name: "padding between archives" }] }]);
  });

  test("in an initramfs is followed to the innermost member", async () => {
    const outer = async (byte: number) => {
      const inner = zstdCompressSync(await archive([file("inner", Buffer.of(0, 0, byte))]));
      return archive([file("outer", inner)]);
    };
    const { findings } = await explain(await outer(1), await outer(2));
    const trail = ["segment uncompressed cpio 1", "member outer", "segment zstd cpio 1", "member inner"];
    expect(findings.map(names)).toEqual([trail]);
    expect(findings[0]).toMatchObject({ values: ["0x01", "0x02"] });
    expect(findings[0]?.trail.at(-1)?.offset).toBe(2);
  });

  test("whose member is a text shows the line", async () => {
    const make = (text: string) => archive([file("etc", Buffer.from(text))]);
    const { findings } = await explain(await make("a\nb\n"), await make("a\nc\n"));
    expect(findings).toMatchObject([{ aspect: "text", values: ["b", "c"] }]);
    expect(findings[0]?.trail.at(-1)).toMatchObject({ kind: "field", name: "line 2" });
  });

  test("that is cut off is told, with the place of its first byte", async () => {
    const made = await archive([one, two]);
    const { findings, notes } = await explain(made, made.subarray(0, 130));
    expect(notes[0]).toMatch(/^not taken apart: right, byte .*truncated/);
    expect(findings).toMatchObject([{ aspect: "data", trail: [] }]);
  });

  test("with more differences than wanted counts the others", async () => {
    const entries = Array.from({ length: 30 }, (_, index) => file(`m${index}`, Buffer.from("x\0")));
    const { findings, notes } = await explain(await archive(entries, 1), await archive(entries, 2), { maxFindings: 5 });
    expect(findings).toHaveLength(5);
    expect(notes).toEqual(["25 more differences are not listed"]);
  });
});

describe("a format with bytes of its own", () => {
  const item = (name: string, at: number, length: number, open: Item["open"]): Item => ({
    ...{ trail: [{ kind: "partition", name, offset: 0 }], facts: {}, open, covers: [{ at, length }] },
  });
  const reader = async (image: { readonly name: string; readonly size: number }): Promise<Contents | null> =>
    image.size === 100 ? { format: "test", items: [item("p", 20, 10, null)], exact: true } : null;
  const locate: ExplainOptions["locate"] = async (_image, offset) => [
    { kind: "format", name: "test", offset },
    { kind: "structure", name: offset < 8 ? "header" : "tail", offset },
  ];

  test("tells those that no part covers, each place once, without the name of the format", async () => {
    const [left, right] = [Buffer.alloc(100), Buffer.alloc(100)];
    for (const at of [3, 5, 22, 99]) right[at] = 1;
    const { findings } = await explain(left, right, { readers: [reader], locate });
    expect(findings.map(names)).toEqual([["structure header"], ["structure tail"]]);
    expect(findings[0]).toMatchObject({ values: ["0x000000", "0x010001"] });
  });

  test("whose part cannot be read names the part", async () => {
    const broken = async (image: { readonly name: string }) => ({
      ...{ format: "test", exact: false },
      items: [item("p", 20, 10, async () => Promise.reject(imageFault(image.name, 20, "torn")))],
    });
    const { findings, notes } = await explain(Buffer.of(1, 0), Buffer.of(2, 0), { readers: [broken] });
    expect(findings).toMatchObject([{ aspect: "data", trail: [{ name: "p" }] }]);
    expect(notes).toEqual([expect.stringContaining("torn") as string]);
  });

  test("does not open what it stores in the same bytes", async () => {
    const stored = bytesAccess("stored", Buffer.of(1));
    const same = async () => ({
      ...{ format: "test", exact: false },
      items: [{ ...item("p", 0, 0, () => Promise.reject(new Error("opened"))), stored }],
    });
    const { findings } = await explain(Buffer.of(1, 0), Buffer.of(2, 0), { readers: [same] });
    expect(findings).toMatchObject([{ aspect: "data", values: ["0x01", "0x02"], trail: [] }]);
  });
});

test("equal images have no findings, and a stop is heard", async () => {
  expect(await explain(Buffer.of(1), Buffer.of(1))).toEqual({ findings: [], notes: [] });
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(explain(Buffer.of(1), Buffer.of(2), { signal })).rejects.toThrow("enough");
});

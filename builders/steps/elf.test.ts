import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { elfFile } from "../../test/fakes/elf-file.ts";
import { parseElf, readElf } from "./elf.ts";

const INTERPRETER = "/lib64/ld-linux-x86-64.so.2";

test("reads a program that a compiler made: the node that runs this test", () => {
  const machines: Partial<Record<NodeJS.Architecture, string>> = { x64: "x86-64", arm64: "aarch64" };
  const elf = parseElf(readFileSync(process.execPath));
  expect(elf).toMatchObject({ machine: machines[process.arch], dynamic: true, soname: null });
  expect(elf?.interpreter).toMatch(/^\/lib.*\/ld-linux/);
  expect(elf?.needed).toContain("libc.so.6");
});

const name = fc.stringMatching(/^[!-~ä]{1,20}$/);
const content = fc.record(
  {
    machine: fc.constantFrom("x86-64" as const, "aarch64" as const, "other" as const),
    interpreter: name,
    needed: fc.array(name, { maxLength: 9 }),
    soname: name,
    runpath: name,
    rpath: name,
    noDefaultFolders: fc.boolean(),
  },
  { requiredKeys: [] },
);

test("gives back what was put in", () => {
  fc.assert(
    fc.property(content, (values) => {
      expect(parseElf(elfFile(values))).toEqual({
        machine: values.machine ?? "x86-64",
        dynamic: true,
        interpreter: values.interpreter ?? null,
        needed: values.needed ?? [],
        soname: values.soname ?? null,
        runpath: values.runpath ?? null,
        rpath: values.rpath ?? null,
        noDefaultFolders: values.noDefaultFolders ?? false,
      });
    }),
  );
});

test("a static program is ELF without a dynamic section", () => {
  expect(parseElf(elfFile({ static: true }))).toMatchObject({ dynamic: false, interpreter: null, needed: [] });
});

test("what is not ELF64 little endian is null", () => {
  expect(parseElf(new Uint8Array(0))).toBeNull();
  expect(parseElf(Buffer.from("#!/bin/sh\n"))).toBeNull();
  expect(parseElf(Buffer.from("\x7fEL"))).toBeNull();
  const class32 = elfFile();
  class32[4] = 1;
  expect(parseElf(class32)).toBeNull();
  const bigEndian = elfFile();
  bigEndian[5] = 2;
  expect(parseElf(bigEndian)).toBeNull();
});

describe("damaged files", () => {
  const whole = { interpreter: INTERPRETER, needed: ["libc.so.6"] };
  // offsets in what elfFile makes: three program headers, then the interpreter, the strings, the dynamic section
  const INTERP_HEADER = 64 + 56;
  const DYNAMIC_HEADER = 64 + 2 * 56;
  const DYNAMIC = 64 + 3 * 56 + INTERPRETER.length + 1 + 1 + "libc.so.6".length + 1;
  const STRTAB = DYNAMIC + 16;
  const STRSZ = DYNAMIC + 32;

  test.each<[string, (file: Buffer) => void, RegExp]>([
    ["program headers of another size", (file) => file.writeUInt16LE(32, 54), /program headers have 32 bytes, not 56/],
    ["too many program headers", (file) => file.writeUInt16LE(65_535, 56), /65535 program headers, more than 1024/],
    [
      "program headers behind the end",
      (file) => file.writeBigUInt64LE(5000n, 32),
      /program header table \(168 bytes at 5000\) lies outside/,
    ],
    [
      "an offset beyond any file",
      (file) => file.writeBigUInt64LE(2n ** 60n, 32),
      /program header offset is 1152921504606846976, beyond/,
    ],
    [
      "a segment offset beyond any file",
      (file) => file.writeBigUInt64LE(2n ** 63n, DYNAMIC_HEADER + 8),
      /offset of segment 2 is/,
    ],
    [
      "a dynamic section behind the end",
      (file) => file.writeBigUInt64LE(9999n, DYNAMIC_HEADER + 8),
      /dynamic section \(64 bytes at 9999\) lies outside/,
    ],
    [
      "a huge dynamic section",
      (file) => file.writeBigUInt64LE(65_537n, DYNAMIC_HEADER + 32),
      /dynamic section of 65537 bytes/,
    ],
    [
      "a dynamic section without end",
      (file) => file.writeBigUInt64LE(48n, DYNAMIC_HEADER + 32),
      /does not end with DT_NULL/,
    ],
    [
      "an interpreter without end",
      (file) => file.writeBigUInt64LE(5n, INTERP_HEADER + 32),
      /interpreter at \d+ does not end/,
    ],
    [
      "an interpreter behind the end",
      (file) => file.writeBigUInt64LE(9999n, INTERP_HEADER + 8),
      /interpreter at 9999 does not end/,
    ],
    [
      "a name outside the string table",
      (file) => file.writeBigUInt64LE(11n, DYNAMIC + 8),
      /DT_NEEDED at 11 lies outside the dynamic string table of 11 bytes/,
    ],
    [
      "a name that ends behind the string table",
      (file) => file.writeBigUInt64LE(5n, STRSZ + 8),
      /DT_NEEDED at \d+ does not end/,
    ],
    [
      "a string table in no segment",
      (file) => file.writeBigUInt64LE(0x99n, STRTAB + 8),
      /address 153 is in no loaded segment/,
    ],
    ["no string table", (file) => file.writeBigUInt64LE(0x7777n, STRTAB), /there is no dynamic string table/],
    ["no string table size", (file) => file.writeBigUInt64LE(0x7777n, STRSZ), /there is no dynamic string table/],
  ])("%s", (_name, damage, message) => {
    const file = elfFile(whole);
    damage(file);
    expect(() => parseElf(file)).toThrow(RangeError);
    expect(() => parseElf(file)).toThrow(message);
  });

  test("a header that is cut", () => {
    expect(() => parseElf(elfFile(whole).subarray(0, 63))).toThrow(/ELF header is truncated to 63 bytes/);
  });

  test("a file cut anywhere is an error, and any other damage a result or a RangeError", () => {
    const file = elfFile({ ...whole, soname: "x", runpath: "$ORIGIN" });
    for (let length = 6; length < file.length; length++)
      expect(() => parseElf(file.subarray(0, length))).toThrow(RangeError);
    const damages = fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(damages, (bytes) => {
        const damaged = Buffer.from(file);
        for (const [at, value] of bytes) damaged[at] = value;
        const parse = () => {
          try {
            return parseElf(damaged)?.machine ?? null;
          } catch (error) {
            return error;
          }
        };
        const outcome = parse();
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(RangeError);
        else expect(["x86-64", "aarch64", "other", null]).toContain(outcome);
      }),
      { numRuns: 2000 },
    );
  });
});

test("never asks for more than a few kilobytes, nor for a negative place", () => {
  const file = elfFile({ interpreter: INTERPRETER, needed: ["a", "b"] });
  fc.assert(
    fc.property(fc.nat({ max: file.length - 8 }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (at, value) => {
      const damaged = Buffer.from(file);
      damaged.writeBigUInt64LE(value, at);
      const asked: [number, number][] = [];
      try {
        readElf((offset, length) => {
          asked.push([offset, length]);
          return offset < damaged.length ? damaged.subarray(offset, offset + length) : damaged.subarray(0, 0);
        });
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
      }
      expect(asked.every(([offset, length]) => offset >= 0 && length >= 0 && length <= 65_536)).toBe(true);
    }),
  );
});

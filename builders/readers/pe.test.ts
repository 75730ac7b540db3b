import { describe, expect, test } from "vitest";
import { altered } from "../../test/fakes/altered.ts";
import { PE_PLACES, peFile } from "../../test/fakes/pe-file.ts";
import { inspectImage } from "./inspect.ts";
import { locateIn } from "./locate.ts";
import { readPe } from "./pe.ts";
import { bytesAccess } from "./random-access.ts";

const UKI = peFile([
  [".osrel", 'NAME=x\nPRETTY_NAME="Some System 1"\n'],
  [".cmdline", "quiet root=a\0"],
  [".uname", "6.1.0-test"],
  [".linux", "not a kernel"],
  [".profile", "ID=main\n"],
  [".profile", "ID=recovery\nTITLE=Recovery\n"],
  [".cmdline", "rescue"],
]);
const read = (bytes: Uint8Array) => readPe(bytesAccess("uki", bytes));

test("sections, each once by its label", async () => {
  const pe = await read(UKI);
  expect(pe).toMatchObject({ machine: "amd64", timestamp: 0x01020304, signed: false });
  expect(pe?.sections.map(({ label, length }) => [label, length])).toEqual([
    [".osrel", 35],
    [".cmdline", 13],
    [".uname", 10],
    [".linux", 12],
    [".profile", 8],
    [".profile (number 2 of this name)", 27],
    [".cmdline (number 2 of this name)", 6],
  ]);
});

test("a UKI: its version, system and what it can start", async () => {
  expect(await inspectImage(bytesAccess("uki", UKI), { files: false })).toMatchObject({
    format: "pe",
    kernelVersion: "6.1.0-test",
    operatingSystem: "Some System 1",
    profiles: [
      { id: "main", title: null, commandLine: "quiet root=a" },
      { id: "recovery", title: "Recovery", commandLine: "rescue" },
    ],
    initramfs: null,
  });
});

test("a UKI without profiles has one entry", async () => {
  const uki = peFile([
    [".linux", "x"],
    [".cmdline", "a b"],
  ]);
  expect(await inspectImage(bytesAccess("uki", uki), { files: false })).toMatchObject({
    profiles: [{ id: null, title: null, commandLine: "a b" }],
    kernelVersion: null,
  });
});

test("a program that is no UKI starts nothing of its own", async () => {
  const program = peFile([[".text", "x"]]);
  expect(await inspectImage(bytesAccess("x", program), { files: false })).toMatchObject({ profiles: [] });
});

test("names bytes", async () => {
  const at = async (offset: number) =>
    (await locateIn(bytesAccess("uki", UKI), offset)).slice(1).map(({ kind, name }) => `${kind} ${name}`);
  expect(await at(1)).toEqual(["structure DOS header", "field signature MZ"]);
  expect(await at(PE_PLACES.coff + 8)).toEqual(["structure COFF header", "field time stamp"]);
  expect(await at(PE_PLACES.optional + 64)).toEqual(["structure PE optional header", "field checksum"]);
  expect(await at(PE_PLACES.sections + 40)).toEqual(["structure header of section .cmdline", "field name"]);
  expect(await at(PE_PLACES.data)).toEqual(["section .osrel"]);
  expect(await at(PE_PLACES.data + 35)).toEqual(["section .osrel", "space padding behind its content"]);
  expect(await at(PE_PLACES.sections + 7 * 40)).toEqual(["space outside all sections"]);
});

describe("no PE file", () => {
  test.each([
    ["other magic", [0, "4d00"]],
    ["no PE signature", [PE_PLACES.coff, "50450001"]],
    ["a header outside", [60, "ffffff00"]],
  ] as const)("%s", async (_, change) => {
    expect(await read(altered(UKI, change))).toBeNull();
  });
});

describe("a PE file that is refused", () => {
  test.each([
    ["PE32", [PE_PLACES.optional, "0b01"], "it is not PE32+"],
    ["a short optional header", [PE_PLACES.coff + 20, "1000"], "optional header of 16 bytes"],
    ["too many sections", [PE_PLACES.coff + 6, "6100"], "97 sections"],
    ["a section outside", [PE_PLACES.sections + 20, "00000001"], "section .osrel has 512 bytes at 16777216"],
  ] as const)("%s", async (_, change, message) => {
    await expect(read(altered(UKI, change))).rejects.toThrow(message);
  });
});

test("a signature is seen", async () => {
  expect((await read(altered(UKI, [PE_PLACES.optional + 144, "01"])))?.signed).toBe(true);
});

import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { primaryFingerprints } from "./openpgp-keyring.ts";

const here = (name: string): URL => new URL(`../keyrings/${name}`, import.meta.url);
const KEYRINGS = (await readdir(here("."))).filter((name) => name.endsWith(".gpg"));
const README = await readFile(here("README.md"), "utf8");

/** Fingerprints in the README's section of a keyring. */
function documented(name: string): string[] {
  const section = README.split("\n## ").find((part) => part.startsWith(`${name}\n`)) ?? "";
  return [...section.matchAll(/^\| ([0-9A-F]{40}) \| /gm)].map(([, found = ""]) => found);
}

test.each(KEYRINGS)("%s holds exactly the documented keys", async (name) => {
  const found = primaryFingerprints(await readFile(here(name)));
  expect(found.length).toBeGreaterThan(0);
  expect(found.toSorted()).toEqual(documented(name).toSorted());
});

test("every documented keyring is there", () => {
  const sections = [...README.matchAll(/^## (\S+\.gpg)$/gm)].map(([, name]) => name);
  expect(new Set(sections)).toEqual(new Set(KEYRINGS));
});

type Style = "old-1" | "old-2" | "old-4" | "new" | "new-5";

/** A packet written in one of the forms of RFC 9580, 4.2. */
function encode(tag: number, body: Uint8Array, style: Style): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  const header = {
    "old-1": () => (body.length < 256 ? [0x80 | (tag << 2), body.length] : undefined),
    "old-2": () => [0x80 | (tag << 2) | 1, ...length.subarray(2)],
    "old-4": () => [0x80 | (tag << 2) | 2, ...length],
    new: () => {
      if (body.length < 192) return [0xc0 | tag, body.length];
      if (body.length >= 8384) return undefined;
      return [0xc0 | tag, ((body.length - 192) >> 8) + 192, (body.length - 192) & 0xff];
    },
    "new-5": () => [0xc0 | tag, 255, ...length],
  }[style]();
  return header === undefined ? encode(tag, body, "old-4") : Buffer.concat([Buffer.from(header), body]);
}

const packets = fc.array(
  fc.record({
    tag: fc.constantFrom(2, 6, 12, 13, 14),
    rest: fc.uint8Array({ maxLength: 600 }),
    style: fc.constantFrom<Style>("old-1", "old-2", "old-4", "new", "new-5"),
  }),
  { maxLength: 12 },
);

test("finds every primary key, in each form that a packet can have, and nothing else", () => {
  fc.assert(
    fc.property(packets, (list) => {
      const bodies = list.map(({ rest }) => Buffer.concat([Buffer.of(4), rest]));
      const keyring = Buffer.concat(list.map(({ tag, style }, at) => encode(tag, bodies[at] ?? Buffer.of(), style)));
      const expected = list.flatMap(({ tag }, at) => {
        const body = bodies[at] ?? Buffer.of();
        const prefix = Buffer.of(0x99, body.length >> 8, body.length & 0xff);
        return tag === 6 ? [createHash("sha1").update(prefix).update(body).digest("hex").toUpperCase()] : [];
      });
      expect(primaryFingerprints(keyring)).toEqual(expected);
    }),
  );
});

test("a keyring that is cut off inside a packet is refused", () => {
  fc.assert(
    fc.property(packets, fc.nat(), (list, where) => {
      const parts = list.map(({ tag, rest, style }) => encode(tag, Buffer.concat([Buffer.of(4), rest]), style));
      const keyring = Buffer.concat(parts);
      fc.pre(keyring.length > 0);
      const cut = where % keyring.length;
      const borders = new Set(parts.map((_, at) => Buffer.concat(parts.slice(0, at)).length));
      const read = () => primaryFingerprints(keyring.subarray(0, cut));
      if (borders.has(cut)) expect(read).not.toThrow();
      else expect(read).toThrow(SyntaxError);
    }),
  );
});

test.each([
  ["armoured text", Buffer.from("-----BEGIN PGP PUBLIC KEY BLOCK-----")],
  ["a key of version 6", encode(6, Buffer.of(6, 1, 2), "new")],
  ["a partial length", Buffer.of(0xc6, 0xe1, 4, 4)],
  ["an indeterminate length", Buffer.of(0x80 | (6 << 2) | 3, 4)],
])("%s is refused", (_what, keyring) => {
  expect(() => primaryFingerprints(keyring)).toThrow(SyntaxError);
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { formatBytes, formatSeconds, oneLine } from "./format.ts";

test.each([
  [0, "0 B"],
  [812, "812 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1_048_524, "1023.9 KiB"],
  [1_048_525, "1.0 MiB"],
  [76_754_124, "73.2 MiB"],
  [2 ** 40, "1.0 TiB"],
  [2 ** 52, "4096.0 TiB"],
])("%i bytes are %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [0, "0.0 s"],
  [0.44, "0.4 s"],
  [59.94, "59.9 s"],
  [59.95, "1 m 00 s"],
  [65.2, "1 m 05 s"],
  [3599.4, "59 m 59 s"],
  [3599.5, "1 h 00 m"],
  [7380, "2 h 03 m"],
  [86_400, "24 h 00 m"],
])("%d seconds are %s", (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

test("a size keeps its first four digits, and never reads 1024 of a unit that has a next one", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (bytes) => {
      const [number = "", unit = ""] = formatBytes(bytes).split(" ");
      expect(Math.abs(Number(number) * (UNIT_BYTES[unit] ?? Number.NaN) - bytes)).toBeLessThanOrEqual(
        0.051 * (UNIT_BYTES[unit] ?? Number.NaN),
      );
      if (unit !== "TiB") expect(Number(number)).toBeLessThan(1024);
    }),
  );
});

test("a duration is within its last digit", () => {
  const spell = /^(?:(\d+) h )?(?:(\d+) m)?(?: ?(\d+(?:\.\d)?) s)?$/;
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (seconds) => {
      const [, hours, minutes, rest] = spell.exec(formatSeconds(seconds)) ?? [];
      const read = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(rest ?? 0);
      expect(Math.abs(read - seconds)).toBeLessThanOrEqual(hours === undefined ? 0.51 : 60);
    }),
  );
});

test.each([
  ["plain text", "plain text"],
  ["two\nlines\r\n", "two lines"],
  ["\u001b[31mred\u001b[0m", "red"],
  ["title\u001b]0;owned\u0007 end", "title ]0;owned end"],
  ["\u009b2Jcleared", "2Jcleared"],
  ["back\bspace \t tab", "back space tab"],
  ["abc\u202eright to left", "abc right to left"],
  ["lone \ud800 surrogate", "lone surrogate"],
  ["café 日本 ✔", "café 日本 ✔"],
])("%j becomes %j", (text, line) => {
  expect(oneLine(text)).toBe(line);
});

test("nothing that could steer a terminal or break a line passes", () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom("\u001b", "[", "\n", "\u0085", "\u2028", "\r", "\u202e", "m", "0", ";"),
      fc.string(),
    ),
  });
  fc.assert(
    fc.property(nasty, (text) => {
      const line = oneLine(text);
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      expect(oneLine(line)).toBe(line);
    }),
  );
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { inReleaseDate, snapshotTimestamp, timestampDate } from "./in-release.ts";

const signed = (fields: string): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${fields}\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n`;

test.each([
  ["Origin: Debian\nDate: Sat, 21 Nov 2026 09:15:44 UTC\nAcquire-By-Hash: yes", "20261121T091544Z"],
  ["Date: Thu,  1 Jan 1970 00:00:00 GMT", "19700101T000000Z"],
  ["Date: Fri, 30 Oct 2026 8:08:01 +0000", "20261030T080801Z"],
])("reads %j", (fields, expected) => {
  expect(inReleaseDate(signed(fields))).toBe(expected);
});

test("any second of the calendar survives", () => {
  const seconds = fc.integer({ min: 0, max: 4_102_444_800 });
  fc.assert(
    fc.property(seconds, (second) => {
      const time = new Date(second * 1000);
      const timestamp = inReleaseDate(signed(`Date: ${time.toUTCString().replace("GMT", "UTC")}`));
      expect(timestamp).toBe(snapshotTimestamp(time));
      expect(timestampDate(timestamp).getTime()).toBe(second * 1000);
    }),
  );
});

test.each([
  ["unsigned text", "Date: Sat, 21 Nov 2026 09:15:44 UTC\n"],
  ["a date before the signed part", `Date: Sat, 21 Nov 2026 09:15:44 UTC\n${signed("Origin: x")}`],
  ["a date after the signed part", `${signed("Origin: x")}Date: Sat, 21 Nov 2026 09:15:44 UTC\n`],
  ["no date", signed("Origin: x\nValid-Until: Sat, 21 Nov 2026 09:15:44 UTC")],
  ["another time zone", signed("Date: Sat, 21 Nov 2026 09:15:44 +0100")],
  ["a month that does not exist", signed("Date: Sat, 21 Nox 2026 09:15:44 UTC")],
])("%s is refused", (_what, text) => {
  expect(() => inReleaseDate(text)).toThrow(SyntaxError);
});

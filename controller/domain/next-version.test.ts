import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VERSION } from "./names.ts";
import { nextVersion } from "./next-version.ts";
import { judgeText } from "./text-rule.ts";

const NONE: ReadonlySet<string> = new Set();

describe("the next version", () => {
  it.each([
    ["2026.11.23-1", "2026.11.23-2"],
    ["2026.11.23-9", "2026.11.23-10"],
    ["2026.11.23-0", "2026.11.23-1"],
    ["2026.11.23", "2026.11.23-2"],
    ["2026-11-23", "2026-11-23-2"],
    ["2026-11-23-2", "2026-11-23-3"],
    ["1.0-rc1", "1.0-rc1-2"],
    ["1.0-07", "1.0-07-2"],
    ["1.0-1234567890", "1.0-1234567890-2"],
    ["7", "7-2"],
  ])("after %s is %s", (current, next) => {
    expect(nextVersion(current, NONE)).toBe(next);
  });

  it("passes over versions that were used", () => {
    expect(nextVersion("1.0-1", new Set(["1.0-2", "1.0-3", "1.0-5"]))).toBe("1.0-4");
    expect(nextVersion("1.0", new Set(["1.0-2"]))).toBe("1.0-3");
  });

  it("is refused where it would be too long", () => {
    expect(() => nextVersion("v".repeat(63), NONE)).toThrow(/longer than 63 characters/);
    expect(() => nextVersion(`${"v".repeat(61)}-9`, NONE)).toThrow(/longer than 63 characters/);
  });

  it("is a legal version, unused and different, for any legal version", () => {
    const versions = fc
      .stringMatching(VERSION.pattern)
      .filter((text) => text.length < 55 && judgeText(VERSION, text) === undefined);
    fc.assert(
      fc.property(versions, fc.array(fc.nat(5)), (current, counts) => {
        const used = new Set([current, ...counts.flatMap((count) => [`${current}-${count}`, `1-${count}`])]);
        const next = nextVersion(current, used);
        expect(judgeText(VERSION, next)).toBeUndefined();
        expect(used.has(next)).toBe(false);
      }),
    );
  });
});

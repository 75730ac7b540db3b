import { posix } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "./errors.ts";
import { checkedPath, sameBytes, textOf } from "./spec-files.ts";

describe("a path in a repository", () => {
  it.each(["specs/demo/release.yaml", "README.md", "a b/ü.txt", ".gitignore", "..a/b.."])("may be %s", (path) => {
    expect(checkedPath(path)).toBe(path);
  });

  it.each([
    ["", "is empty"],
    ["/etc/passwd", "is absolute"],
    ["../outside", 'has the segment ".."'],
    ["specs/../../outside", 'has the segment ".."'],
    ["specs/./demo", 'has the segment "."'],
    ["specs//demo", 'has the segment ""'],
    ["specs/", 'has the segment ""'],
    ["specs/.git/config", "git directory"],
    ["specs/.GIT/hooks/x", "git directory"],
    ["a\nb", "control character"],
    ["a\0b", "control character"],
    ["a\\b", "backslash"],
    ["\ud800", "Unicode"],
    ["ü".repeat(128), "more than 255 bytes"],
  ])("may not be %j", (path, why) => {
    const attempt = () => checkedPath(path);
    expect(attempt).toThrow(ReleaseError);
    expect(attempt).toThrow(why);
  });

  it("never climbs out of the folder it is in", () => {
    const segment = fc.oneof(fc.constantFrom("..", ".", "", ".git", "a"), fc.string());
    fc.assert(
      fc.property(fc.array(segment), (segments) => {
        const path = segments.join("/");
        let accepted = true;
        try {
          checkedPath(path);
        } catch {
          accepted = false;
        }
        expect(!accepted || posix.join("/root", path) === `/root/${path}`).toBe(true);
        if (accepted) expect(path.split("/")).not.toContain("..");
      }),
    );
  });
});

describe("content of a file", () => {
  it("is text only as UTF-8, and unchanged then", () => {
    const bytes = new TextEncoder().encode("\ufeffversion: ü\r\n");
    expect(new TextEncoder().encode(textOf("release.yaml", bytes))).toEqual(bytes);
    expect(() => textOf("release.yaml", new Uint8Array([0xff, 0x41]))).toThrow("release.yaml is not UTF-8 text");
  });

  it("is compared byte by byte", () => {
    expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
    expect(sameBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2, 3]))).toBe(false);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { GOOD_RELEASE } from "../../test/contracts/bad-documents.ts";
import { formatProblem } from "./problem.ts";
import { readYaml } from "./yaml-document.ts";

const problemsOf = (text: string): string[] => {
  const result = readYaml(text, "f");
  return result.ok ? [] : result.problems.map(formatProblem);
};

const tokens = fc.constantFrom(
  ..."- |: |? |{|}|[|]|,|\n|  |\t|&a |*a|!!str |!x |'|\"|#| |a|1|~|>|%YAML|---|...|\\|<<|\u0000|\ufeff|\r".split("|"),
  "|",
);

describe("never throws", () => {
  test("on any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(readYaml(text, "f")).toHaveProperty("ok");
      }),
      { numRuns: 300 },
    );
  });

  test("on any sequence of what YAML gives a meaning", () => {
    fc.assert(
      fc.property(fc.array(tokens, { maxLength: 60 }), (parts) => {
        expect(readYaml(parts.join(""), "f")).toHaveProperty("ok");
      }),
      { numRuns: 800 },
    );
  });

  test("on a document with a piece missing or doubled", () => {
    fc.assert(
      fc.property(fc.nat(GOOD_RELEASE.length), fc.nat(40), fc.nat(2), (start, length, times) => {
        const piece = GOOD_RELEASE.slice(start, start + length);
        const text = GOOD_RELEASE.slice(0, start) + piece.repeat(times) + GOOD_RELEASE.slice(start + length);
        expect(readYaml(text, "f")).toHaveProperty("ok");
      }),
      { numRuns: 300 },
    );
  });

  test.each(["[", "{a: ", "- ", "? ", "[{a: "])("on 20000 times %j, refused before it is built", (open) => {
    expect(problemsOf(open.repeat(20_000))).toEqual([
      expect.stringMatching(/^f:1:[0-9]+: is nested more than 32 levels deep/),
    ]);
  });
});

test("32 levels are read, 33 are not", () => {
  const nested = (levels: number): string => `a: ${"[".repeat(levels - 1)}1${"]".repeat(levels - 1)}`;
  expect(problemsOf(nested(31))).toEqual([]);
  expect(problemsOf(nested(34))).toEqual([
    "f:1:36: is nested more than 32 levels deep (flatten it: no field of ours is that deep)",
  ]);
});

test("a document over the limit of its length is not parsed", () => {
  const text = `a: ${"x".repeat(128 * 1024)}`;
  expect(problemsOf(text)).toEqual(["f:1:1: has 131075 characters (a document may have 131072)"]);
  expect(readYaml(text, "f", text.length).ok).toBe(true);
});

test("whatever YAML was made from comes back", () => {
  const key = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null));
  const value = fc.letrec((tie) => ({
    node: fc.oneof(
      { depthSize: "small" },
      leaf,
      fc.array(tie("node"), { maxLength: 4 }),
      fc.dictionary(key, tie("node"), { maxKeys: 4, noNullPrototype: true }),
    ),
  })).node;
  fc.assert(
    fc.property(fc.dictionary(key, value, { noNullPrototype: true, minKeys: 1, maxKeys: 4 }), (written) => {
      const text = stringify(written, { aliasDuplicateObjects: false });
      const result = readYaml(text, "f");
      expect(result.ok ? result.document.value : result.problems).toEqual(written);
    }),
    { numRuns: 300 },
  );
});

describe("places", () => {
  const text = "a:\n  - b: 1\n    c: 2026.10\n  - x\nd:\n";
  const result = readYaml(text, "f");
  const document = result.ok ? result.document : undefined;

  test("of keys, values and list entries", () => {
    expect(document?.locate(["a", 0, "c"], "key")).toEqual({ line: 3, column: 5 });
    expect(document?.locate(["a", 0, "c"], "value")).toEqual({ line: 3, column: 8 });
    expect(document?.locate(["a", 1], "value")).toEqual({ line: 4, column: 5 });
  });

  test("of what is missing: the key of what should hold it", () => {
    expect(document?.locate(["a", 0, "z", "y"], "value")).toEqual({ line: 2, column: 5 });
    expect(document?.locate(["z"], "value")).toEqual({ line: 1, column: 1 });
    expect(document?.locate([], "value")).toEqual({ line: 1, column: 1 });
  });

  test("scalars as they are written", () => {
    expect(document?.sourceOf(["a", 0, "c"])).toBe("2026.10");
    expect(document?.sourceOf(["a"])).toBeUndefined();
  });

  test("lines end with CR LF too, and a byte order mark is no character", () => {
    const windows = readYaml("\ufeffa: 1\r\nb: x\r\n", "f");
    expect(windows.ok && windows.document.value).toEqual({ a: 1, b: "x" });
    expect(windows.ok && windows.document.locate(["b"], "value")).toEqual({ line: 2, column: 4 });
  });
});

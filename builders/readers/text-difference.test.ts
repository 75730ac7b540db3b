import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesAccess } from "./random-access.ts";
import { textDifferences } from "./text-difference.ts";

const differences = (left: string | Uint8Array, right: string | Uint8Array) =>
  textDifferences([bytesAccess("left", Buffer.from(left)), bytesAccess("right", Buffer.from(right))]);

test("a changed line is named by its number and place", async () => {
  expect(await differences("one\ntwo\nthree\n", "one\n2\nthree\n")).toEqual([
    { name: "line 2", offset: 4, values: ["two", "2"] },
  ]);
});

test("a changed word of a command line is named by its key, a line that came by its number", async () => {
  expect(await differences("console=tty0 quiet digest=aa\n", "console=tty0 quiet digest=ab\n")).toEqual([
    { name: "digest", offset: 19, values: ["digest=aa", "digest=ab"] },
  ]);
  expect(await differences("a b", "a c b")).toEqual([{ name: "word 2", offset: 2, values: [null, "c"] }]);
  expect(await differences("a\nb\n", "a\nx\ny\nb\n")).toMatchObject([{ name: "line 2" }, { name: "line 3" }]);
});

test("what is not a text, or differs in white space at its end only, has no such difference", async () => {
  expect(await differences(Buffer.of(0, 1), "a")).toBeNull();
  expect(await differences("a", Buffer.of(0xff))).toBeNull();
  expect(await differences("a\n", "a")).toBeNull();
  expect(await differences(Buffer.alloc(2 ** 20 + 1, "a"), "a")).toBeNull();
});

describe("of two texts of several lines", () => {
  const line = fc.stringMatching(/^[a-c=]{1,3}$/);
  test("every differing line and no other is told, at its place", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(line, line), { minLength: 2, maxLength: 9 }), async (pairs) => {
        const [left, right] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
        const found = (await differences(left.join("\n"), right.join("\n"))) ?? [];
        const expected = pairs.flatMap(([a, b], index) => {
          const offset = left.slice(0, index).join("\n").length + (index === 0 ? 0 : 1);
          return a === b ? [] : [{ name: `line ${index + 1}`, offset, values: [a, b] }];
        });
        expect(found).toEqual(expected);
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBatch, parseBatchCheck } from "./cat-file.ts";

const ID = "ce013625030ba8dba906f756967f9e9ca394464a";
const batch = (contents: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    contents.flatMap((content) => [Buffer.from(`${ID} blob ${content.length}\n`), content, Buffer.from("\n")]),
  );

describe("output of git cat-file --batch", () => {
  it("is taken apart whatever the contents hold", () => {
    const content = fc.oneof(
      fc.uint8Array(),
      fc
        .constantFrom("", "\n", `${ID} missing\n`, `${ID} blob 3\nabc\n`)
        .map((text) => Uint8Array.from(Buffer.from(text))),
    );
    fc.assert(
      fc.property(fc.array(content), (contents) => {
        expect(parseBatch(batch(contents))).toEqual(contents.map((one) => ({ id: ID, type: "blob", content: one })));
      }),
    );
  });

  it("is refused where it is cut short or an object is missing", () => {
    const whole = batch([Buffer.from("content"), Buffer.from("more")]);
    const complete = batch([Buffer.from("content")]).length;
    for (let length = 1; length < whole.length; length += 1) {
      if (length !== complete) expect(() => parseBatch(whole.subarray(0, length))).toThrow(/cut short/);
    }
    expect(() => parseBatch(Buffer.from(`${ID} missing\n`))).toThrow(/missing/);
  });
});

describe("output of git cat-file --batch-check", () => {
  it("names what exists", () => {
    expect(parseBatchCheck(`${ID} tree 33\nmain:specs/none missing\n${ID} blob 0\n`)).toEqual([
      { id: ID, type: "tree" },
      { id: ID, type: "blob" },
    ]);
  });
});

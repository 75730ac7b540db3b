import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BatchAnswer, batchParser, parseBatchCheck } from "./cat-file.ts";

const ID = "ce013625030ba8dba906f756967f9e9ca394464a";
const batch = (contents: readonly Uint8Array[]): Buffer =>
  Buffer.concat(
    contents.flatMap((content) => [Buffer.from(`${ID} blob ${content.length}\n`), content, Buffer.from("\n")]),
  );

/** What is told of an output that comes in pieces of these sizes, over and over. */
function told(output: Uint8Array, sizes: readonly number[]): BatchAnswer[] {
  const answers: BatchAnswer[] = [];
  const parse = batchParser((answer) => answers.push(answer));
  for (let at = 0, nth = 0; at < output.length; nth += 1) {
    const size = sizes[nth % sizes.length] ?? 1;
    parse(output.subarray(at, at + size));
    at += size;
  }
  return answers;
}

const sizes = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1 });

describe("output of git cat-file --batch", () => {
  it("is taken apart whatever the contents hold, and in whichever pieces it comes", () => {
    const content = fc.oneof(
      fc.uint8Array(),
      fc
        .constantFrom("", "\n", `${ID} missing\n`, `${ID} blob 3\nabc\n`)
        .map((text) => Uint8Array.from(Buffer.from(text))),
    );
    fc.assert(
      fc.property(fc.array(content), sizes, (contents, pieces) => {
        const wanted = contents.map((one) => ({ id: ID, type: "blob", content: one }));
        expect(told(batch(contents), pieces)).toEqual(wanted);
      }),
    );
  });

  it("tells what is missing, and nothing of what is cut short", () => {
    const whole = batch([Buffer.from("content"), Buffer.from("more")]);
    const complete = batch([Buffer.from("content")]).length;
    for (let length = 0; length < whole.length; length += 1) {
      expect(told(whole.subarray(0, length), [7])).toHaveLength(length < complete ? 0 : 1);
    }
    const answers = told(Buffer.from(`${ID} missing\na:b c missing\nfatal\n${ID} blob 1\nx\n`), [3]);
    expect(answers.slice(0, 2)).toEqual([null, null]);
    expect(answers[2]).toMatchObject({ code: "RepositoryUnusable", message: 'git cat-file answered "fatal"' });
    expect(answers[3]).toMatchObject({ id: ID });
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

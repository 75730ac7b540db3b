import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLz4 } from "./lz4-block.ts";

type Sequence = { readonly literals: Uint8Array; readonly distance: number; readonly match: number };

const more = (value: number): number[] => {
  if (value < 15) return [];
  const rest = value - 15;
  return [...Array.from({ length: Math.floor(rest / 255) }, () => 255), rest % 255];
};

/** A block by the format's definition, and what it stands for. The last sequence has literals only. */
function encode(sequences: readonly Sequence[], last: Uint8Array): { block: Buffer; content: Buffer } {
  const block: number[] = [];
  const content: number[] = [];
  for (const { literals, distance, match } of sequences) {
    const back = Math.min(Math.max(distance, 1), content.length + literals.length);
    block.push((Math.min(literals.length, 15) << 4) | Math.min(match - 4, 15), ...more(literals.length), ...literals);
    block.push(back & 0xff, back >> 8, ...more(match - 4));
    content.push(...literals);
    for (let index = 0; index < match; index++) content.push(content[content.length - back] ?? 0);
  }
  block.push(Math.min(last.length, 15) << 4, ...more(last.length), ...last);
  content.push(...last);
  return { block: Buffer.from(block), content: Buffer.from(content) };
}

const sequence = fc.record({
  literals: fc.uint8Array({ minLength: 1, maxLength: 300 }),
  distance: fc.nat(400),
  match: fc.integer({ min: 4, max: 700 }),
});
const blocks = fc.tuple(fc.array(sequence, { maxLength: 8 }), fc.uint8Array({ maxLength: 40 }));

test("decodes every sequence, overlapping matches and long lengths too, and ignores what follows", () => {
  fc.assert(
    fc.property(blocks, fc.uint8Array({ maxLength: 9 }), fc.nat(), ([sequences, last], behind, cut) => {
      const { block, content } = encode(sequences, last);
      expect(decodeLz4(Buffer.concat([block, behind]), content.length).equals(content)).toBe(true);
      const size = cut % (content.length + 1); // of a part, too
      expect(decodeLz4(block, size).equals(content.subarray(0, size))).toBe(true);
    }),
  );
});

describe("a block is refused", () => {
  test.each<[string, number[], number]>([
    ["that ends in a token", [], 1],
    ["that ends in its literals", [0x40, 1, 2], 4],
    ["that ends in a distance", [0x10, 1, 1], 8],
    ["that ends in a long length", [0xf0, 255], 400],
    ["that goes back by nothing", [0x10, 1, 0, 0], 8],
    ["that goes back before its start", [0x10, 1, 2, 0], 8],
  ])("%s", (_what, bytes, size) => {
    expect(() => decodeLz4(Buffer.from(bytes), size)).toThrow(RangeError);
  });
});

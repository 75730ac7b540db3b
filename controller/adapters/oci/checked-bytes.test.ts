import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../builders/contract/digest.ts";
import { checkedBytes, showFound } from "./checked-bytes.ts";
import { retryAfter } from "../retry-after.ts";
import { skipBytes } from "./skip-bytes.ts";

async function* of(chunks: readonly Uint8Array[]) {
  yield* chunks;
}
const chunks = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 6 });
const expected = (bytes: Uint8Array) => ({ digest: digestOf(bytes), size: bytes.byteLength });
const wrong = (found: Parameters<typeof showFound>[0]) => new Error(showFound(found));

describe("checked bytes", () => {
  it("pass unchanged if they are right, in whatever pieces", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, async (given) => {
        const whole = Buffer.concat(given);
        expect((await buffer(checkedBytes(of(given), expected(whole), wrong))).equals(whole)).toBe(true);
      }),
    );
  });
  it("never pass whole if they are wrong", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.uint8Array({ maxLength: 40 }), async (given, other) => {
        const whole = Buffer.concat(given);
        fc.pre(!whole.equals(other));
        let passed = 0;
        const read = async () => {
          for await (const chunk of checkedBytes(of(given), expected(other), wrong)) passed += chunk.byteLength;
        };
        await expect(read()).rejects.toThrow(/^sha256:|^more than/);
        expect(passed).toBeLessThanOrEqual(Math.min(other.byteLength, Math.max(0, whole.byteLength)));
        if (given.length > 0) expect(passed).toBeLessThanOrEqual(whole.byteLength - (given.at(-1)?.byteLength ?? 0));
      }),
    );
  });
  it("are not read on when there are too many", async () => {
    let taken = 0;
    async function* endless() {
      for (;;) {
        taken += 1;
        yield Buffer.alloc(10);
      }
    }
    await expect(buffer(checkedBytes(endless(), expected(Buffer.alloc(25)), wrong))).rejects.toThrow(
      "more than 25 bytes",
    );
    expect(taken).toBe(3);
  });
});

describe("skipped bytes", () => {
  it("are the first ones", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.nat(60), async (given, count) => {
        const rest = await buffer(skipBytes(of(given), count));
        expect(rest.equals(Buffer.concat(given).subarray(count))).toBe(true);
      }),
    );
  });
});

describe("Retry-After", () => {
  const now = Date.parse("2026-01-01T00:00:00Z");
  it.each([
    ["0", 0],
    ["120", 120_000],
    ["Thu, 01 Jan 2026 00:00:05 GMT", 5000],
    ["Wed, 31 Dec 2025 00:00:00 GMT", 0],
    ["soon", undefined],
    [undefined, undefined],
  ])("%j means %j milliseconds", (header, milliseconds) => {
    expect(retryAfter(header, now)).toBe(milliseconds);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import {
  type IndexedRelease,
  indexStatement,
  INDEXED_RELEASES,
  nextIndex,
  parseIndex,
  type RecordIndex,
  serializeIndex,
} from "./recorded-releases.ts";

const release = (number: number): IndexedRelease => ({
  name: `release-${number}`,
  version: `1.${number}`,
  specCommit: "3f".repeat(20),
  releaseDigest: digestOf(String(number)),
});
const indexOf = (numbers: readonly number[]): RecordIndex | null =>
  numbers.reduce<RecordIndex | null>((index, number) => nextIndex(index, release(number)), null);

describe("nextIndex", () => {
  it("puts the newest first, counts up, and keeps a hundred", () => {
    expect(indexOf([1, 2])).toEqual({ schemaVersion: 1, version: 2, releases: [release(2), release(1)] });
    const full = indexOf(Array.from({ length: INDEXED_RELEASES + 7 }, (_, number) => number));
    expect(full?.version).toBe(107);
    expect(full?.releases).toHaveLength(100);
    expect([full?.releases[0], full?.releases[99]]).toEqual([release(106), release(7)]);
  });

  it("of releases in any order and number: the version is how many there were, nothing twice, the same again is the same", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(12), { minLength: 1, maxLength: 30 }), (numbers) => {
        const index = indexOf(numbers);
        const distinct = [...new Set(numbers)];
        expect(index?.version).toBe(distinct.length);
        expect(index?.releases).toEqual(distinct.toReversed().map(release));
        for (const number of distinct) expect(nextIndex(index, release(number))).toBe(index);
      }),
    );
  });

  it("never replaces a release", () => {
    expect(() => nextIndex(indexOf([1, 2]), { ...release(1), releaseDigest: digestOf("other") })).toThrow(
      /records\/index\.json: release-1: is recorded with digest sha256:[0-9a-f]{64}, not/,
    );
  });
});

describe("a stored index", () => {
  const stored = serializeIndex({ schemaVersion: 1, version: 2, releases: [release(2), release(1)] });

  it("is read back as it is written", () => {
    expect(parseIndex(stored)).toEqual(indexOf([1, 2]));
  });

  it.each([
    ["text that is no JSON", "{", /records\/index\.json: is not JSON/],
    ["no version", stored.replace('"version": 2', '"version": 0'), /records\/index\.json: version: /],
    ["a digest that is none", stored.replace("sha256:", "md5:"), /releases\[0\]\.releaseDigest: must be sha256/],
    ["an unknown key", stored.replace('"version": 2', '"version": 2,\n  "more": 1'), /more/],
    ["a release twice", stored.replace("release-1", "release-2"), /releases\[1\]\.name: release-2 stands twice/],
    ["a key twice", stored.replace('"version": 2', '"version": 1,\n  "version": 2'), /is not in the form that imgrel/],
    ["other blanks", stored.replace("  ", " "), /records\/index\.json: is not in the form that imgrel writes/],
  ])("is refused with %s", (_, text, message) => {
    expect(() => parseIndex(text)).toThrow(message);
    expect(() => parseIndex(text)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });

  it("is signed by a statement about its bytes and its version", () => {
    expect(indexStatement(parseIndex(stored))).toEqual({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ name: "records/index.json", digest: { sha256: sha256Hex(stored) } }],
      predicateType: "https://imgrel.example/attestations/record-index/v1",
      predicate: { version: 2 },
    });
  });
});

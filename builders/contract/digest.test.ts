import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson, Digest, digestOf, keepJson, sha256Hex, stableJson, uuidFromName } from "./digest.ts";

describe("canonicalJson", () => {
  it("sorts keys at every depth and drops absent members", () => {
    expect(canonicalJson({ b: [{ z: 1, a: null }], a: undefined, "\u00e9": "x" })).toBe(
      '{"b":[{"a":null,"z":1}],"é":"x"}',
    );
  });
  it("refuses what JSON cannot hold", () => {
    expect(() => canonicalJson([undefined])).toThrow(TypeError);
    expect(() => canonicalJson(Number.NaN)).toThrow("JSON has no number NaN");
  });
  it("says the same of a value whatever the order of its keys, and loses nothing", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(JSON.parse(stableJson(value))).toEqual(JSON.parse(text));
      }),
    );
  });
  it("sorts keys that are numbers as text, and keeps every key", () => {
    expect(canonicalJson(JSON.parse('{"9":1,"__proto__":2,"10":3}'))).toBe('{"10":3,"9":1,"__proto__":2}');
    expect(stableJson(JSON.parse('{"b":1,"__proto__":2}'))).toBe('{\n  "__proto__": 2,\n  "b": 1\n}\n');
  });
  it("sorts many keys as it sorts few", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 80 }), (keys) => {
        const value = Object.fromEntries(keys.map((key) => [key, 1]));
        const members = keys.toSorted().map((key) => `${JSON.stringify(key)}:1`);
        expect(canonicalJson(value)).toBe(`{${members.join(",")}}`);
      }),
    );
  });
  it("says the same of what is kept", () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), (value) => {
        const kept = keepJson(structuredClone(value));
        expect(canonicalJson({ one: [kept], other: kept })).toBe(canonicalJson({ one: [value], other: value }));
      }),
    );
  });
});

describe("stableJson", () => {
  it("refuses what JSON cannot hold", () => {
    expect(() => stableJson({ a: [undefined] })).toThrow(TypeError);
    expect(() => stableJson({ a: 1n })).toThrow(TypeError);
    expect(() => stableJson({ a: Number.NaN })).toThrow("JSON has no number NaN");
    expect(stableJson({ a: undefined })).toBe("{}\n");
  });
});

describe("digests", () => {
  it("hashes text as UTF-8", () => {
    expect(sha256Hex("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(digestOf(new Uint8Array())).toBe("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });
  it("takes only full, lower-case SHA-256 digests", () => {
    expect(Digest.safeParse(digestOf("x")).success).toBe(true);
    for (const wrong of ["sha256:abc", digestOf("x").toUpperCase(), `sha512:${"0".repeat(64)}`, "latest"]) {
      expect(Digest.safeParse(wrong).success, wrong).toBe(false);
    }
  });
});

describe("uuidFromName", () => {
  it("is a version 8 UUID, the same for the same name only", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(uuidFromName(a)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(uuidFromName(a) === uuidFromName(b)).toBe(a === b);
      }),
    );
  });
});

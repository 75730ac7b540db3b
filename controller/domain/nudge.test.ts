import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { claimedSignatures, nudgedSource, nudgeKeyFault, passNudgeAt } from "./nudge.ts";

const signature = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString("hex"));

describe("the signature of a webhook", () => {
  it("is read in GitHub's form and in Gitea's, in either case", () => {
    fc.assert(
      fc.property(signature, fc.boolean(), (hex, upper) => {
        const sent = upper ? hex.toUpperCase() : hex;
        expect(claimedSignatures({ "x-hub-signature-256": `sha256=${sent}` })).toEqual([hex]);
        expect(claimedSignatures({ "x-gitea-signature": sent })).toEqual([hex]);
        expect(claimedSignatures({ "x-gitea-signature": sent, "x-hub-signature-256": `sha256=${sent}` })).toEqual([
          ...[hex, hex],
        ]);
      }),
    );
  });
  it("is always 32 bytes in hex, whatever the headers are", () => {
    const name = fc.constantFrom("x-hub-signature-256", "x-gitea-signature", "x-gitlab-token", "x-hub-signature");
    const value = fc.oneof(fc.string(), signature, fc.array(signature), fc.constant(undefined));
    fc.assert(
      fc.property(fc.dictionary(name, value), (headers) => {
        for (const claimed of claimedSignatures(headers)) expect(claimed).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });
  it("of another kind, length or form is none", () => {
    const hex = "a".repeat(64);
    for (const headers of [
      {},
      { "x-gitea-signature": `sha256=${hex}` },
      { "x-hub-signature-256": hex },
      { "x-hub-signature-256": `sha1=${hex}` },
      { "x-gitea-signature": `${hex}a` },
      { "x-gitea-signature": hex.slice(1) },
      { "x-gitea-signature": `${hex}, ${hex}` },
      { "x-gitea-signature": [hex] },
      { "x-gitlab-token": hex },
    ]) {
      expect(claimedSignatures(headers)).toEqual([]);
    }
  });
});

it("the source stands in the path", () => {
  expect(nudgedSource("/hooks/releases")).toBe("releases");
  expect(nudgedSource("/hooks/a.b-1?x=/hooks/other")).toBe("a.b-1");
  for (const target of [
    "/",
    "/hooks",
    "/hooks/",
    "/hooks/a/b",
    "/hooks/../a",
    "/hooks/A",
    "/hooks/%61",
    "/x/hooks/a",
  ]) {
    expect(nudgedSource(target)).toBeUndefined();
  }
});

it("a key that anyone could guess, or no forge would send, is refused", () => {
  expect(nudgeKeyFault("s3cret")).toBeUndefined();
  expect(nudgeKeyFault("")).toMatch(/empty/);
  expect(nudgeKeyFault("s3cret\n")).toMatch(/line break/);
});

describe("nudges of one source", () => {
  it("are passed on at once, then every 5 seconds at most, and those between are one", () => {
    expect(passNudgeAt(undefined, 100)).toBe(100);
    expect(passNudgeAt(100, 200)).toBe(5100);
    expect(passNudgeAt(5100, 300)).toBeUndefined();
    expect(passNudgeAt(5100, 5100)).toBe(10_100);
    expect(passNudgeAt(5100, 20_000)).toBe(20_000);
  });
  it("are never lost, and never nearer to each other than 5 seconds", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20_000), { minLength: 1 }), (gaps) => {
        let now = 0;
        let last: number | undefined;
        const passed: number[] = [];
        for (const gap of gaps) {
          now += gap;
          const at = passNudgeAt(last, now);
          if (at !== undefined) {
            passed.push(at);
            last = at;
          }
          expect(last).toBeGreaterThanOrEqual(now); // a look after it came
          expect((last ?? 0) - now).toBeLessThanOrEqual(5000);
        }
        passed.forEach((at, index) => {
          if (index > 0) expect(at - (passed[index - 1] ?? 0)).toBeGreaterThanOrEqual(5000);
        });
      }),
    );
  });
});

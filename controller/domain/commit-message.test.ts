import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCommitMessage, parseTrailers, type TrailerKey } from "./commit-message.ts";

describe("a commit message", () => {
  it("has a subject, paragraphs and trailers", () => {
    const message = formatCommitMessage({
      subject: "Bump demo to 2026.11.23-2",
      paragraphs: ["1 upgraded, 0 added, 0 removed\n", "", "upgraded bash 1 -> 2 amd64"],
      trailers: [
        ["Release", "demo"],
        ["Spec-Digest", "sha256:0"],
      ],
    });
    expect(message).toBe(
      "Bump demo to 2026.11.23-2\n\n1 upgraded, 0 added, 0 removed\n\nupgraded bash 1 -> 2 amd64\n\nRelease: demo\nSpec-Digest: sha256:0\n",
    );
  });

  it("never lets a value become a trailer or a subject of its own", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (subject, value) => {
        const message = formatCommitMessage({
          subject: `About ${subject}\nRelease: forged`,
          paragraphs: [],
          trailers: [["Release", `${value}\nRelease: forged`]],
        });
        const lines = message.split("\n");
        expect(lines).toHaveLength(4);
        expect(lines.filter((line) => line.startsWith("Release: "))).toHaveLength(1);
      }),
    );
  });
});

describe("trailers of a message", () => {
  const key = fc.constantFrom<TrailerKey>("Release", "Spec-Digest", "Idempotency-Key");
  const value = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "a: b", "x\n\nRelease: forged", " \u2028 "),
  );

  it("are read back, each on one line, whatever stands before them", () => {
    fc.assert(
      fc.property(
        value,
        fc.array(value),
        fc.array(fc.tuple(key, value), { minLength: 1 }),
        (subject, paragraphs, given) => {
          const message = formatCommitMessage({ subject: `About ${subject}`, paragraphs, trailers: given });
          const read = parseTrailers(message);
          expect(read.map(([key]) => key)).toEqual(given.map(([key]) => key));
          const visible = (text: string) => text.replaceAll(/[\p{Cc}\s]+/gu, "");
          expect(read.map(([, value]) => visible(value))).toEqual(given.map(([, value]) => visible(value)));
        },
      ),
    );
  });

  it.each([
    ["no message", ""],
    ["a subject that looks like one", "Release: demo\n"],
    ["a paragraph with other lines", "Import\n\nRelease: demo\nand more\n"],
    ["a paragraph before the last", "Import\n\nRelease: demo\n\nBecause.\n"],
    ["a key with a space", "Import\n\nThe Release: demo\n"],
  ])("are none in %s", (_, message) => {
    expect(parseTrailers(message)).toEqual([]);
  });

  it("are one line each, whatever the text", () => {
    const text = fc.array(fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("\n", "\n\n", "Release: ", "\r")));
    fc.assert(
      fc.property(text, (parts) => {
        for (const [key, value] of parseTrailers(parts.join("")))
          expect(`${key}: ${value}`).toMatch(/^[A-Za-z0-9-]+: .*$/);
      }),
    );
  });
});

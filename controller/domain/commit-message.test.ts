import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCommitMessage } from "./commit-message.ts";

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

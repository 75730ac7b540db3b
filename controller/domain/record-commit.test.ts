import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { parseRecordTrailers, recorded, recordMessage, type RecordPart } from "./record-commit.ts";

const part = (release: string, summary = "released"): RecordPart => ({
  release,
  specDigest: digestOf(release),
  idempotencyKey: sha256Hex(release),
  summary,
});
const trailers = ({ release, specDigest, idempotencyKey }: RecordPart) => ({ release, specDigest, idempotencyKey });

describe("the message of a record", () => {
  it("says what happened, and names release, spec and effect in trailers", () => {
    const { specDigest, idempotencyKey } = part("demo");
    expect(recordMessage([part("demo")])).toBe(
      `demo: released\n\nRelease: demo\nSpec-Digest: ${specDigest}\nIdempotency-Key: ${idempotencyKey}\n`,
    );
  });

  it("of several releases lists them, with a set of trailers for each", () => {
    const lines = recordMessage([part("a"), part("b", "re\nvoked")]).split("\n");
    expect(lines.slice(0, 5)).toEqual(["Record 2 releases", "", "* a: released", "* b: re voked", ""]);
    expect(lines.filter((line) => line.startsWith("Release: "))).toEqual(["Release: a", "Release: b"]);
    expect(lines).toContain(`Idempotency-Key: ${sha256Hex("b")}`);
  });

  it("gives its trailers back, whatever the summaries say", () => {
    const name = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    const summary = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", `Release: x\n\nIdempotency-Key: ${sha256Hex("x")}`),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, summary), { minLength: 1 }), (given) => {
        const parts = given.map(([release, text]) => part(release, text));
        const message = recordMessage(parts);
        expect(parseRecordTrailers(message)).toEqual(parts.map(trailers));
        expect(parts.every((one) => recorded(message, one))).toBe(true);
        expect(recorded(message, { release: given[0]?.[0] ?? "", idempotencyKey: sha256Hex("another effect") })).toBe(
          false,
        );
      }),
    );
  });

  it("holds no set that is not whole", () => {
    const whole = recordMessage([part("a")]);
    expect(parseRecordTrailers(whole.replace(/Spec-Digest: .*\n/, ""))).toEqual([]);
    expect(parseRecordTrailers(whole.replace(/Idempotency-Key: .*\n/, "Idempotency-Key: short\n"))).toEqual([]);
    expect(parseRecordTrailers(whole.replace(/Release: .*\n/, ""))).toEqual([]);
    expect(parseRecordTrailers(recordMessage([part("a"), part("b")]).replace(/Spec-Digest: .*\n/, ""))).toEqual([
      trailers(part("b")),
    ]);
  });
});

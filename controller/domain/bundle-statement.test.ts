import { describe, expect, it } from "vitest";
import { unsignedBundle } from "../../test/fakes/release-record.ts";
import { unverifiedStatement } from "./bundle-statement.ts";
import type { Statement } from "./statement.ts";

const STATEMENT: Statement = {
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name: "é", digest: { sha256: "0".repeat(64) } }],
  predicateType: "https://example.org/any",
  predicate: { a: 1 },
};
const BUNDLE = unsignedBundle(STATEMENT);
const changed = (change: (envelope: Record<string, unknown>) => void): string => {
  const bundle = JSON.parse(BUNDLE);
  change(bundle.dsseEnvelope);
  return JSON.stringify(bundle);
};

describe("unverifiedStatement", () => {
  it("takes the statement out of its envelope", () => {
    expect(unverifiedStatement("a.json", BUNDLE)).toEqual(STATEMENT);
  });

  it.each([
    ["no JSON", "x", /^a\.json: is not JSON/],
    [
      "another media type",
      BUNDLE.replace("vnd.dev.sigstore.bundle", "json"),
      /^a\.json: mediaType: must be a Sigstore/,
    ],
    ["no envelope", JSON.stringify({ ...JSON.parse(BUNDLE), dsseEnvelope: undefined }), /^a\.json: dsseEnvelope: /],
    ["no signature", changed((envelope) => (envelope["signatures"] = [])), /^a\.json: dsseEnvelope\.signatures: /],
    ["another payload type", changed((envelope) => (envelope["payloadType"] = "text/plain")), /payloadType/],
    ["no base64", changed((envelope) => (envelope["payload"] = "é")), /^a\.json: dsseEnvelope\.payload: /],
    ["bytes that are no text", changed((envelope) => (envelope["payload"] = "/w==")), /payload: is not UTF-8 text/],
    ["no statement", changed((envelope) => (envelope["payload"] = btoa("{}"))), /^a\.json: payload: _type: /],
  ])("refuses a bundle with %s", (_, text, message) => {
    expect(() => unverifiedStatement("a.json", text)).toThrow(message);
    expect(() => unverifiedStatement("a.json", text)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });
});

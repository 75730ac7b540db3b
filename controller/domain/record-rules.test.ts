import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ReleaseError } from "./errors.ts";
import { checkRecordChanges } from "./record-rules.ts";
import type { FileChange, SpecFiles } from "./spec-files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const files = (given: Record<string, string>): SpecFiles =>
  new Map(Object.entries(given).map(([path, text]) => [path, bytes(text)]));

const OPEN = files({ "status.yaml": "1", "diff/amd64/raw.json": "1" });
const CLOSED = files({ "status.yaml": "1", "release.sigstore.json": "{}", "sbom/amd64.spdx.json": "1" });

const refusal = (record: SpecFiles, ...changes: FileChange[]): string | null => {
  try {
    checkRecordChanges("demo", record, changes);
    return null;
  } catch (error) {
    expect(error).toBeInstanceOf(ReleaseError);
    return `${(error as ReleaseError).code}: ${(error as ReleaseError).message}`;
  }
};

describe("a change of records", () => {
  it.each<[string, SpecFiles, string, string | Uint8Array | null]>([
    ["a new file in an open record", OPEN, "records/demo/release.sigstore.json", "{}"],
    ["another content in an open record", OPEN, "records/demo/diff/amd64/raw.json", "2"],
    ["a removal from an open record", OPEN, "records/demo/diff/amd64/raw.json", null],
    ["the status of a closed record", CLOSED, "records/demo/status.yaml", "2"],
    ["a revocation", CLOSED, "records/demo/revocation.sigstore.json", "{}"],
    ["what a closed record holds already", CLOSED, "records/demo/sbom/amd64.spdx.json", bytes("1")],
    ["the removal of what a closed record never had", CLOSED, "records/demo/sbom/arm64.spdx.json", null],
    ["the index", CLOSED, "records/index.json", "{}"],
    ["the index's signature", CLOSED, "records/index.sigstore.json", "{}"],
    ["somebody's rebuild", CLOSED, "rebuilds/demo/acme/amd64.sigstore.json", "{}"],
  ])("may be %s", (_, record, path, content) => {
    expect(refusal(record, { path, content })).toBeNull();
  });

  it.each<[string, SpecFiles, string, string | null, string]>([
    ["another content", CLOSED, "records/demo/sbom/amd64.spdx.json", "2", "may not change: records/demo/release"],
    ["a new file", CLOSED, "records/demo/sbom/arm64.spdx.json", "1", "may not be added"],
    ["a removal", CLOSED, "records/demo/sbom/amd64.spdx.json", null, "may not be removed"],
    ["another statement", CLOSED, "records/demo/release.sigstore.json", "{ }", "may not change"],
    ["no statement", CLOSED, "records/demo/release.sigstore.json", null, "may not be removed"],
    ["no status", CLOSED, "records/demo/status.yaml", null, "may not be removed"],
    ["a folder in place of the status", CLOSED, "records/demo/status.yaml/x", "1", "may not be added"],
    ["the record of another release", OPEN, "records/demo-2/status.yaml", "1", "may not touch"],
    ["a file in place of the record", OPEN, "records/demo", "1", "may not touch"],
    ["a file in place of all records", OPEN, "records", "1", "may not touch"],
    ["a spec", OPEN, "specs/demo/release.yaml", "1", "may not touch"],
    ["a folder in place of the index", OPEN, "records/index.json/x", "1", "may not touch"],
    ["another release's rebuild", OPEN, "rebuilds/other/acme/x.json", "1", "may not touch"],
  ])("may not be %s", (_, record, path, content, why) => {
    expect(refusal(record, { path, content })).toMatch(/^RecordInvalid: /);
    expect(refusal(record, { path, content })).toContain(why);
  });

  it("is refused as a whole", () => {
    const fine = { path: "records/demo/status.yaml", content: "2" };
    expect(refusal(CLOSED, fine, { path: "records/demo/sbom/amd64.spdx.json", content: null })).not.toBeNull();
  });

  it("never climbs out", () => {
    expect(refusal(OPEN, { path: "records/demo/../demo-2/status.yaml", content: "1" })).toMatch(/^SpecInvalid: /);
  });

  it("is refused for a release whose record would stand where the index is", () => {
    const change = { path: "records/index.json", content: "{}" };
    expect(() => checkRecordChanges("index.json", new Map(), [change])).toThrow(/take the place of the index/);
  });

  it("leaves a closed record as it was, but for two files", () => {
    const name = fc.constantFrom("status.yaml", "revocation.sigstore.json", "release.sigstore.json", "a", "b/c", "b");
    const record = fc
      .dictionary(name, fc.constantFrom("1", "2"))
      .map((given) => files({ ...given, "release.sigstore.json": "1" }));
    const changes = fc.array(fc.record({ name, content: fc.constantFrom("1", "2", null) }));
    fc.assert(
      fc.property(record, changes, (before, given) => {
        const proposed = given.map(({ name, content }) => ({ path: `records/demo/${name}`, content }));
        if (refusal(before, ...proposed) !== null) return;
        const after = new Map(before);
        for (const { name, content } of given) {
          if (content === null) after.delete(name);
          else after.set(name, bytes(content));
        }
        for (const open of ["status.yaml", "revocation.sigstore.json"]) {
          expect(after.has(open) || !before.has(open)).toBe(true);
          after.delete(open);
        }
        const closed = [...before].filter(([path]) => !["status.yaml", "revocation.sigstore.json"].includes(path));
        expect(after).toEqual(new Map(closed));
      }),
    );
  });
});

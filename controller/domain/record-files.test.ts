import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARCHES, VARIANTS } from "../../builders/contract/variant.ts";
import { isNamedByStatement, RECORD_FILES, type RecordFile, recordFileOf, recordFilePath } from "./record-files.ts";

const arch = fc.constantFrom(...ARCHES);
const variant = fc.constantFrom(...VARIANTS);
const of = <T extends RecordFile>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<RecordFile>;
const singles = fc.constantFrom(...(Object.keys(RECORD_FILES) as (keyof typeof RECORD_FILES)[]));
const recordFile: fc.Arbitrary<RecordFile> = fc.oneof(
  of<{ kind: keyof typeof RECORD_FILES }>({ kind: singles }),
  of<Extract<RecordFile, { kind: "provenance" }>>({
    ...{ kind: fc.constant("provenance"), arch, variant, run: fc.integer({ min: 1, max: 99 }) },
  }),
  of<Extract<RecordFile, { kind: "tests" | "vsa" }>>({ kind: fc.constantFrom("tests", "vsa"), arch, variant }),
  of<Extract<RecordFile, { kind: "sbom" }>>({
    ...{ kind: fc.constant("sbom"), arch, format: fc.constantFrom("spdx", "cdx", "sigstore") },
  }),
  of<Extract<RecordFile, { kind: "diff" }>>({
    kind: fc.constant("diff"),
    arch,
    format: fc.constantFrom("json", "txt"),
  }),
);

describe("the files of a record", () => {
  it("are known by their path", () => {
    fc.assert(
      fc.property(recordFile, (file) => {
        expect(recordFileOf(recordFilePath(file))).toEqual(file);
      }),
    );
    expect(recordFilePath({ kind: "provenance", arch: "amd64", variant: "raw", run: 2 })).toBe(
      "provenance/amd64/raw.run-2.sigstore.json",
    );
  });

  it.each([
    "provenance/amd64/raw.run-0.sigstore.json",
    "provenance/amd64/raw.run-01.sigstore.json",
    "provenance/amd64/raw.run-100.sigstore.json",
    "provenance/i386/raw.run-1.sigstore.json",
    "provenance/amd64/other.run-1.sigstore.json",
    "provenance/../amd64/raw.run-1.sigstore.json",
    "./status.yaml",
    "/status.yaml",
    "../demo/status.yaml",
    "status.yaml\n",
    "sbom/amd64.json",
    "tests/amd64/raw.sigstore.json/x",
    "diff/amd64/raw.json",
    "constructor",
    "",
  ])("do not include %j", (path) => {
    expect(recordFileOf(path)).toBeNull();
  });

  it("are all named by the statement but itself, the status and a revocation", () => {
    const unnamed = Object.values(RECORD_FILES).filter((path) => !isNamedByStatement(path));
    expect(unnamed).toEqual(["status.yaml", "release.sigstore.json", "revocation.sigstore.json"]);
    expect(isNamedByStatement("sbom/amd64.spdx.json")).toBe(true);
  });
});

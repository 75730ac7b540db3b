import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import {
  demoRecord,
  FAILED_STATUS,
  MANIFEST,
  RECORD_PARTS,
  STATUS,
  unsignedBundle,
} from "../../test/fakes/release-record.ts";
import { ARTIFACTS, RELEASE } from "../../test/fakes/release-run.ts";
import { readRecord } from "./read-record.ts";
import { failedRecord, namedFiles, recordSums } from "./record.ts";
import { releaseStatement } from "./release-statement.ts";
import { serializeStatus } from "./record-status.ts";
import type { SpecFiles } from "./spec-files.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (files: SpecFiles, path: string): string => new TextDecoder().decode(files.get(path));
const encoded = (files: ReadonlyMap<string, string>): Map<string, Uint8Array> =>
  new Map([...files].map(([path, content]) => [path, bytes(content)]));

/** The demo's record with files replaced, added or (null) taken away, and a statement that fits if asked for. */
function altered(changes: Readonly<Record<string, string | Uint8Array | null>>, resign = false): SpecFiles {
  const files = demoRecord();
  for (const [path, content] of Object.entries(changes)) {
    if (content === null) files.delete(path);
    else files.set(path, typeof content === "string" ? bytes(content) : content);
  }
  if (resign) files.set("release.sigstore.json", bytes(unsignedBundle(releaseStatement(RELEASE, ARTIFACTS, files))));
  return files;
}

describe("a record", () => {
  it("has the files of its layout", () => {
    expect([...demoRecord().keys()].toSorted()).toEqual([
      "SHA256SUMS",
      "manifest.json",
      "provenance/amd64/kernel-initrd.run-1.sigstore.json",
      "provenance/amd64/kernel-initrd.run-2.sigstore.json",
      "provenance/amd64/raw.run-1.sigstore.json",
      "provenance/amd64/raw.run-2.sigstore.json",
      "release.sigstore.json",
      "sbom/amd64.cdx.json",
      "sbom/amd64.sigstore.json",
      "sbom/amd64.spdx.json",
      "status.yaml",
      "tests/amd64/raw.sigstore.json",
    ]);
  });

  it("has sums for sha256sum beside the artifacts", () => {
    expect(recordSums(MANIFEST)).toBe(ARTIFACTS.map(({ path }) => `${sha256Hex(path)}  ${path}\n`).join(""));
  });

  it("is read back as what it was made from", () => {
    const { status, published, revocation, diffs } = readRecord("demo", demoRecord());
    expect(status).toEqual(STATUS);
    expect({ revocation, diffs }).toEqual({ revocation: null, diffs: [] });
    const { bundle, statement, artifacts, vsas, ...parts } = published ?? expect.unreachable();
    expect(parts).toEqual(RECORD_PARTS);
    expect(artifacts).toEqual(ARTIFACTS);
    expect(vsas).toEqual([]);
    expect(bundle).toBe(text(demoRecord(), "release.sigstore.json"));
    expect(statement).toEqual(releaseStatement(RELEASE, ARTIFACTS, namedFiles(RECORD_PARTS)));
  });

  it("may hold a judgement, a report of differences and a revocation", () => {
    const bundle = RECORD_PARTS.tests[0]?.bundle ?? "";
    const more = {
      ...{ "vsa/amd64/raw.sigstore.json": bundle, "diff/amd64.json": "{}\n", "diff/amd64.txt": "different\n" },
      "revocation.sigstore.json": "{}",
    };
    const { published, revocation, diffs } = readRecord("demo", altered(more, true));
    expect(published?.vsas).toMatchObject([{ arch: "amd64", variant: "raw", bundle }]);
    expect(diffs).toEqual([{ arch: "amd64", json: "{}\n", text: "different\n" }]);
    expect(revocation).toBe("{}");
  });

  it("of a release that was not published has its status, and what differed", () => {
    const status = FAILED_STATUS;
    const diffs = [{ arch: "amd64" as const, json: "{}\n", text: "different\n" }];
    const files = failedRecord(status, diffs);
    expect([...files.keys()]).toEqual(["status.yaml", "diff/amd64.json", "diff/amd64.txt"]);
    const { failure } = status;
    expect(readRecord("demo", encoded(files))).toEqual({ status, published: null, failure, diffs, revocation: null });
  });
});

const MANIFEST_TEXT = text(demoRecord(), "manifest.json");
const RUN_2 = "provenance/amd64/raw.run-2.sigstore.json";
const BUNDLE = RECORD_PARTS.tests[0]?.bundle ?? "";

describe("readRecord refuses", () => {
  it("a status that is not that of such a record", () => {
    const published = encoded(failedRecord(STATUS, []));
    expect(() => readRecord("demo", published)).toThrow(/^release\.sigstore\.json: is missing, though .* published/);
    const failed = altered({ "status.yaml": serializeStatus(FAILED_STATUS) });
    expect(() => readRecord("demo", failed)).toThrow(/^status\.yaml: failure: stands in the record of a release/);
  });
  it.each([
    ["a file that no record has", { "notes.txt": "x" }, /^notes\.txt: is no file of a record/],
    ["a path that climbs", { "tests/../status.yaml": "x" }, /^tests\/\.\.\/status\.yaml: is no file of a record/],
    ["bytes that are no text", { SHA256SUMS: Uint8Array.of(0xff) }, /^SHA256SUMS: is not UTF-8 text/],
    ["no status", { "status.yaml": null }, /^status\.yaml: is missing/],
    ["no manifest", { "manifest.json": null }, /^manifest\.json: is missing/],
    ["no sums", { SHA256SUMS: null }, /^SHA256SUMS: is missing/],
    [
      "no release statement",
      { "release.sigstore.json": null },
      /^release\.sigstore\.json: is missing, though there is SHA256SUMS/,
    ],
    [
      "sums of other files",
      { SHA256SUMS: `${"0".repeat(64)}  amd64/raw/installer.img\n` },
      /^SHA256SUMS: does not have the files of manifest\.json/,
    ],
    ["a run too few", { [RUN_2]: null }, /^provenance\/amd64\/raw\.run-2\.sigstore\.json: is missing/],
    [
      "a run too many",
      { [RUN_2.replace("2", "3")]: BUNDLE },
      /^provenance\/amd64\/raw\.run-3\.sigstore\.json: the release has 2 runs/,
    ],
    [
      "a target that the release lacks",
      { "tests/amd64/iso.sigstore.json": BUNDLE },
      /^tests\/amd64\/iso\.sigstore\.json: the release has no amd64\/iso/,
    ],
    [
      "an arch that the release lacks",
      { "sbom/arm64.spdx.json": "{}" },
      /^sbom\/arm64\.spdx\.json: the release has nothing for arm64/,
    ],
    ["no bill of materials", { "sbom/amd64.cdx.json": null }, /^sbom\/amd64\.cdx\.json: is missing/],
    ["half a report of differences", { "diff/amd64.txt": "x" }, /^diff\/amd64\.json: is missing/],
    ["a bundle that is none", { [RUN_2]: "{}" }, /^provenance\/amd64\/raw\.run-2\.sigstore\.json: mediaType: /],
    ["an SBOM bundle that is none", { "sbom/amd64.sigstore.json": "{}" }, /^sbom\/amd64\.sigstore\.json: mediaType: /],
    [
      "a manifest with a mistake",
      { "manifest.json": MANIFEST_TEXT.replace('"runs": 2', '"runs": 0') },
      /^manifest\.json: gate\.runs: /,
    ],
    [
      "the status of another release",
      { "status.yaml": serializeStatus({ ...STATUS, release: "other" }) },
      /^status\.yaml: release: is other, but the record is of demo/,
    ],
    [
      "the status of another version",
      { "status.yaml": serializeStatus({ ...STATUS, version: "9" }) },
      /^status\.yaml: version: is 9, but the record is of 2026/,
    ],
    [
      "the status of another commit",
      { "status.yaml": serializeStatus({ ...STATUS, specCommit: "0".repeat(40) }) },
      /^status\.yaml: specCommit: /,
    ],
    [
      "the status of another spec",
      { "status.yaml": serializeStatus({ ...STATUS, specDigest: `sha256:${"0".repeat(64)}` }) },
      /^status\.yaml: specDigest: /,
    ],
  ])("%s", (_, changes: Record<string, string | Uint8Array | null>, message) => {
    const whole = altered(changes, changes["release.sigstore.json"] === undefined);
    expect(() => readRecord("demo", whole)).toThrow(message);
    expect(() => readRecord("demo", whole)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });

  it("a target without its arch", () => {
    const manifest = { ...MANIFEST, arches: {} };
    const files = altered(Object.fromEntries(namedFiles({ ...RECORD_PARTS, manifest })));
    expect(() => readRecord("demo", files)).toThrow(
      /^manifest\.json: targets\["amd64\/kernel-initrd"\]: there is no entry for amd64/,
    );
  });

  it("a record in the folder of another release", () => {
    expect(() => readRecord("other", demoRecord())).toThrow(
      /^status\.yaml: release: is demo, but the record is of other/,
    );
    const files = encoded(failedRecord(FAILED_STATUS, []));
    expect(() => readRecord("other", files)).toThrow(/^status\.yaml: release: is demo, not other/);
  });

  it.each([...namedFiles(RECORD_PARTS).keys()])("any change of %s that the statement was not made for", (path) => {
    const before = text(demoRecord(), path);
    const changes = {
      [path]: path.endsWith(".json") && path !== "manifest.json" ? `${before} ` : before.replace("amd64", "arm64"),
    };
    expect(() => readRecord("demo", altered(changes))).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });

  it("a statement about a file that is not there, and a file that no statement is about", () => {
    expect(() => readRecord("demo", altered({ "tests/amd64/raw.sigstore.json": null }))).toThrow(
      /^release\.sigstore\.json: subject tests\/amd64\/raw\.sigstore\.json: is no file of the release/,
    );
    expect(() => readRecord("demo", altered({ "vsa/amd64/raw.sigstore.json": BUNDLE }))).toThrow(
      /^release\.sigstore\.json: subject vsa\/amd64\/raw\.sigstore\.json: is missing/,
    );
  });
});

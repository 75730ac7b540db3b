import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { artifact, ARTIFACTS, RELEASE } from "../../test/fakes/release-run.ts";
import { checkReleaseStatement, releaseStatement, releaseStatementDigest } from "./release-statement.ts";
import type { Statement } from "./statement.ts";

const FILES = new Map([
  ["SHA256SUMS", "sums"],
  ["manifest.json", "manifest"],
  ["tests/amd64/raw.sigstore.json", "bundle"],
]);
const STATEMENT = releaseStatement(RELEASE, ARTIFACTS, FILES);

describe("releaseStatement", () => {
  it("names all artifacts and all files of the record, sorted, and the release by purl", () => {
    expect(STATEMENT.predicateType).toBe("https://in-toto.io/attestation/release/v0.1");
    expect(STATEMENT.predicate).toEqual({ purl: "pkg:generic/demo@2026.11.23-1" });
    expect(STATEMENT.subject.map(({ name }) => name)).toEqual([
      ...["SHA256SUMS", ...ARTIFACTS.map(({ path }) => path), "manifest.json", "tests/amd64/raw.sigstore.json"],
    ]);
    expect(STATEMENT.subject[0]).toEqual({ name: "SHA256SUMS", digest: { sha256: sha256Hex("sums") } });
    expect(STATEMENT.subject[1]?.annotations).toMatchObject({ sizeBytes: 25 });
  });

  it("does not name itself, the status or a revocation", () => {
    const more = new Map([
      ...FILES,
      ["status.yaml", "s"],
      ["release.sigstore.json", "r"],
      ["revocation.sigstore.json", "v"],
    ]);
    expect(releaseStatement(RELEASE, ARTIFACTS, more)).toEqual(STATEMENT);
  });

  it("is the same whatever the order of files and artifacts", () => {
    const orders = fc.tuple(
      fc.shuffledSubarray([...ARTIFACTS], { minLength: 5 }),
      fc.shuffledSubarray([...FILES], { minLength: 3 }),
    );
    fc.assert(
      fc.property(orders, ([artifacts, files]) => {
        const other = releaseStatement(RELEASE, artifacts, new Map(files));
        expect(releaseStatementDigest(other)).toBe(releaseStatementDigest(STATEMENT));
      }),
    );
  });
});

describe("checkReleaseStatement", () => {
  const check = (statement: Statement, artifacts = ARTIFACTS, files: ReadonlyMap<string, string> = FILES) =>
    checkReleaseStatement(statement, RELEASE, artifacts, files);
  const [first, ...rest] = STATEMENT.subject;

  it("takes what was made from the same", () => {
    expect(() => check(STATEMENT)).not.toThrow();
    const bytes = new Map([...FILES].map(([path, text]) => [path, new TextEncoder().encode(text)]));
    expect(() => checkReleaseStatement(STATEMENT, RELEASE, ARTIFACTS, bytes)).not.toThrow();
  });

  it.each([
    [
      "another predicate",
      { ...STATEMENT, predicateType: "https://in-toto.io/attestation/link/v0.3" },
      /predicateType: is https/,
    ],
    [
      "another release",
      { ...STATEMENT, predicate: { purl: "pkg:generic/demo@1" } },
      /predicate\.purl: is not pkg:generic\/demo@2026/,
    ],
    ["a subject too few", { ...STATEMENT, subject: rest }, /subject SHA256SUMS: is missing/],
    [
      "a subject twice",
      { ...STATEMENT, subject: [...STATEMENT.subject, ...rest.slice(0, 1)] },
      /subject amd64\/build-manifest\.json: stands twice/,
    ],
    [
      "a subject too many",
      {
        ...STATEMENT,
        subject: [...STATEMENT.subject, { name: "amd64/raw/other.img", digest: { sha256: "0".repeat(64) } }],
      },
      /subject amd64\/raw\/other\.img: is no file of the release/,
    ],
    [
      "another hash",
      { ...STATEMENT, subject: [{ name: first?.name ?? "", digest: { sha256: "0".repeat(64) } }, ...rest] },
      /subject SHA256SUMS: has SHA-256 0{64}, the file [0-9a-f]{64}/,
    ],
  ])("refuses %s", (_, statement, message) => {
    expect(() => check(statement)).toThrow(message);
    expect(() => check(statement)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });

  it("refuses an artifact or a file that came, went or changed", () => {
    expect(() => check(STATEMENT, ARTIFACTS.slice(1))).toThrow(/build-manifest\.json: is no file of the release/);
    expect(() => check(STATEMENT, [...ARTIFACTS, artifact("amd64/raw/new.img")])).toThrow(/new\.img: is missing/);
    expect(() => check(STATEMENT, ARTIFACTS, new Map([...FILES, ["SHA256SUMS", "other"]]))).toThrow(/SHA256SUMS: has/);
    expect(() => check(STATEMENT, ARTIFACTS, new Map([...FILES, ["sbom/amd64.cdx.json", "x"]]))).toThrow(
      /sbom\/amd64\.cdx\.json: is missing/,
    );
  });
});

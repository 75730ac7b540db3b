import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { BuildManifest, ManifestArtifact } from "../../builders/contract/build-manifest.ts";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { compareRuns, type FileFacts, type RunFacts } from "./comparison.ts";

const facts = (content: string): FileFacts => ({
  sha256: sha256Hex(content),
  sizeBytes: content.length,
  fsverityDigest: digestOf(`verity ${content}`),
});

const MANIFEST_PATH = "amd64/build-manifest.json";
const COMPOSEFS = "amd64/root.cfs";
const STATUS = "amd64/dpkg-status";

const said = (content: string): ManifestArtifact => {
  const { sha256, sizeBytes, fsverityDigest } = facts(content);
  return { sha256, size_bytes: sizeBytes, fsverity_digest: fsverityDigest };
};

/** A run whose manifest is true of its files. `says` replaces what the manifest says of a file or a field. */
function madeRun(
  run: number,
  contents: Readonly<Record<string, string>>,
  says: Partial<BuildManifest> = {},
): RunFacts & { manifest: BuildManifest } {
  const { [COMPOSEFS]: composefs = "composefs", [STATUS]: status = "status", ...artifacts } = contents;
  const all = { ...artifacts, [COMPOSEFS]: composefs, [STATUS]: status };
  const files = new Map(Object.entries(all).map(([path, content]) => [path, facts(content)]));
  const manifest: BuildManifest = {
    schema_version: 1,
    arch: "amd64",
    base_image_digest: null,
    apt_snapshot: "20261121T000000Z",
    kernel_version: "6.12.1",
    git_sha: "0".repeat(40),
    variants: ["raw"],
    artifacts: Object.fromEntries(Object.entries(artifacts).map(([path, content]) => [path, said(content)])),
    oci_digest: null,
    fsverity_root_hash: digestOf("root"),
    root_image: { sha256: sha256Hex("root"), size_bytes: 4096, fsverity_digest: digestOf("root") },
    composefs: said(composefs),
    dpkg_status: said(status),
    lock_digest: digestOf("lock"),
    toolchain_digest: digestOf("toolchain"),
    source_date_epoch: 1_795_392_000,
    ...says,
  };
  files.set(MANIFEST_PATH, facts(JSON.stringify(manifest)));
  return { run, manifest, files, strange: [] };
}

const DISK = "amd64/raw/disk.img";
const SUMS = "amd64/raw/SHA256SUMS";
const CONTENT = { [DISK]: "disk", [SUMS]: "sums" };

describe("runs of equal bytes", () => {
  it("are reproduced, with every file that was hashed, the manifest among them", () => {
    const verdict = compareRuns("amd64", [madeRun(1, CONTENT), madeRun(2, CONTENT), madeRun(3, CONTENT)]);
    expect(verdict).toMatchObject({ kind: "reproduced", runs: [1, 2, 3] });
    const paths = verdict.kind === "reproduced" ? verdict.artifacts.map(({ path }) => path) : [];
    expect(paths).toEqual([MANIFEST_PATH, STATUS, SUMS, DISK, COMPOSEFS]);
  });
  it("are not enough if there is one, or one twice", () => {
    expect(() => compareRuns("amd64", [madeRun(1, CONTENT)])).toThrow(RangeError);
    expect(() => compareRuns("amd64", [madeRun(1, CONTENT), madeRun(1, CONTENT)])).toThrow("1, 1");
    expect(() => compareRuns("amd64", [])).toThrow("none");
  });
});

describe("runs that differ", () => {
  it("are told apart by the versions of each file, and the manifest's own hashes are not told again", () => {
    const other = { ...CONTENT, [DISK]: "DISK" };
    const verdict = compareRuns("amd64", [madeRun(1, CONTENT), madeRun(2, other), madeRun(3, CONTENT)]);
    if (verdict.kind !== "not-reproducible") throw new Error(verdict.kind);
    expect(verdict.differences).toEqual([
      {
        kind: "content",
        path: MANIFEST_PATH,
        versions: [expect.objectContaining({ runs: [1, 3] }), expect.objectContaining({ runs: [2] })],
      },
      {
        kind: "content",
        path: DISK,
        versions: [
          { runs: [1, 3], ...facts("disk") },
          { runs: [2], ...facts("DISK") },
        ],
      },
    ]);
  });
  it.each([COMPOSEFS, STATUS])(
    "may do so in a file that tells of the root, which the manifest tells too: %s",
    (path) => {
      const verdict = compareRuns("amd64", [madeRun(1, CONTENT), madeRun(2, { ...CONTENT, [path]: "other" })]);
      if (verdict.kind !== "not-reproducible") throw new Error(verdict.kind);
      expect(verdict.differences.map((one) => [one.kind, "path" in one ? one.path : ""])).toEqual(
        [MANIFEST_PATH, path].toSorted().map((differing) => ["content", differing]),
      );
    },
  );
  it("may lack a file", () => {
    const { [SUMS]: _left, ...without } = CONTENT;
    const verdict = compareRuns("amd64", [madeRun(1, without), madeRun(2, CONTENT)]);
    if (verdict.kind !== "not-reproducible") throw new Error(verdict.kind);
    expect(verdict.differences).toContainEqual({ kind: "missing", path: SUMS, presentIn: [2], missingIn: [1] });
  });
  it("may differ in a field of the manifest", () => {
    const verdict = compareRuns("amd64", [madeRun(1, CONTENT), madeRun(2, CONTENT, { kernel_version: "6.12.2" })]);
    if (verdict.kind !== "not-reproducible") throw new Error(verdict.kind);
    expect(verdict.differences.filter(({ kind }) => kind === "manifest")).toEqual([
      {
        kind: "manifest",
        field: "kernel_version",
        values: [
          { run: 1, value: '"6.12.1"' },
          { run: 2, value: '"6.12.2"' },
        ],
      },
    ]);
  });
  it("are never reproduced, whichever byte of whichever file differs", () => {
    const contents = fc.dictionary(fc.constantFrom("amd64/a/x", "amd64/a/y", "amd64/b/z"), fc.string(), { minKeys: 1 });
    fc.assert(
      fc.property(contents, contents, (left, right) => {
        const paths = new Set([...Object.keys(left), ...Object.keys(right)]);
        const same = [...paths].every((path) => left[path] === right[path]);
        const { kind } = compareRuns("amd64", [madeRun(1, left), madeRun(2, right)]);
        expect(kind).toBe(same ? "reproduced" : "not-reproducible");
      }),
    );
  });
});

describe("a manifest that is not true of its run", () => {
  const lying = madeRun(2, CONTENT);
  const saying = (change: Partial<ManifestArtifact>): RunFacts => ({
    ...lying,
    manifest: { ...lying.manifest, artifacts: { ...lying.manifest.artifacts, [DISK]: { ...said("disk"), ...change } } },
  });
  const sayingOfRoot = (change: Partial<BuildManifest>): RunFacts => madeRun(2, CONTENT, change);
  const without = (left: string): RunFacts => ({
    ...lying,
    files: new Map([...lying.files].filter(([path]) => path !== left)),
  });
  const extra = new Map([...lying.files, ["amd64/raw/extra", facts("extra")]]);

  test.each<[string, RunFacts, string, string]>([
    ["in a hash", saying({ sha256: "0".repeat(64) }), DISK, "says sha256 0000"],
    ["in a size", saying({ size_bytes: 5 }), DISK, "says size_bytes 5, the file has 4"],
    ["in an fs-verity digest", saying({ fsverity_digest: digestOf("") }), DISK, "says fsverity_digest sha256:e3b0"],
    ["since a file is not there", without(SUMS), SUMS, "there is no such file"],
    [
      "in the composefs",
      sayingOfRoot({ composefs: { ...said("composefs"), size_bytes: 1 } }),
      COMPOSEFS,
      "size_bytes 1",
    ],
    ["since there is no composefs", without(COMPOSEFS), COMPOSEFS, "there is no such file"],
    [
      "in the package record",
      sayingOfRoot({ dpkg_status: { ...said("status"), sha256: "0".repeat(64) } }),
      STATUS,
      "says sha256",
    ],
    ["since there is no package record", without(STATUS), STATUS, "there is no such file"],
    [
      "in one of two things that it says of a file",
      sayingOfRoot({ artifacts: { ...lying.manifest.artifacts, [STATUS]: { ...said("status"), size_bytes: 7 } } }),
      STATUS,
      "says size_bytes 7",
    ],
    ["since a file is not in it", { ...lying, files: extra }, "amd64/raw/extra", "is not in the manifest"],
    ["since it is not there", { ...lying, manifest: null }, MANIFEST_PATH, "missing or not a valid manifest"],
    ["since it is another arch's", madeRun(2, CONTENT, { arch: "arm64" }), MANIFEST_PATH, "is for arm64, not amd64"],
    ["since a file is a link", { ...lying, strange: ["amd64/raw/link"] }, "amd64/raw/link", "neither a file nor"],
  ])("is a verdict of its own: %s", (_how, run, path, message) => {
    const verdict = compareRuns("amd64", [madeRun(1, CONTENT), run]);
    if (verdict.kind !== "manifest-mismatch") throw new Error(verdict.kind);
    expect(verdict.faults).toEqual([{ run: 2, path, message: expect.stringContaining(message) as string }]);
  });

  it("is one even where all runs tell the same untruth", () => {
    const run = saying({ size_bytes: 5 });
    expect(compareRuns("amd64", [{ ...run, run: 1 }, run]).kind).toBe("manifest-mismatch");
  });
  it("keeps the differences of the files beside it", () => {
    const verdict = compareRuns("amd64", [madeRun(1, { ...CONTENT, [DISK]: "other" }), saying({ size_bytes: 5 })]);
    expect(verdict).toMatchObject({ kind: "manifest-mismatch" });
    const differences = verdict.kind === "reproduced" ? [] : verdict.differences;
    expect(differences.map((one) => one.kind)).toEqual(["content", "content"]);
  });
});

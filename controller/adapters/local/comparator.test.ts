import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PERTURBED_FILE } from "../../../builders/contract/perturbation.ts";
import type { ProgressEvent } from "../../../builders/contract/progress.ts";
import { hashFile } from "../../../builders/host/hash-file.ts";
import { ComparisonReport, faultOf } from "../../domain/comparison-report.ts";
import { COMPARISON_FILES, localComparator } from "./comparator.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-comparator-"));
  await makeRun(1, {});
  await cp(output(1), output(2), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const output = (run: number): string => join(folder, `run-${run}/out`);
const DISK = "amd64/raw/disk.img";
const ROOT_FILES = { composefs: "amd64/root.cfs", dpkg_status: "amd64/dpkg-status" } as const;
const FILES: Readonly<Record<string, string>> = {
  ...{ [DISK]: "first\nsecond\n", "amd64/raw/SHA256SUMS": "sums\n" },
  ...{ [ROOT_FILES.composefs]: "composefs", [ROOT_FILES.dpkg_status]: "Package: dpkg\nVersion: 1\n" },
};

/** A run with a true manifest. */
async function makeRun(run: number, changes: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(output(run), "amd64/raw"), { recursive: true });
  const described: Record<string, unknown> = {};
  for (const [path, content] of Object.entries({ ...FILES, ...changes })) {
    await writeFile(join(output(run), path), content);
    const { sha256, sizeBytes, fsverity } = await hashFile(join(output(run), path));
    described[path] = { sha256, size_bytes: sizeBytes, fsverity_digest: fsverity.digest };
  }
  const { [ROOT_FILES.composefs]: composefs, [ROOT_FILES.dpkg_status]: dpkg_status, ...artifacts } = described;
  const digest = `sha256:${"0".repeat(64)}`;
  const manifest = {
    ...{
      schema_version: 1,
      arch: "amd64",
      base_image_digest: null,
      apt_snapshot: "20261121T000000Z",
      oci_digest: null,
    },
    ...{ kernel_version: "6.12.1", git_sha: "0".repeat(40), variants: ["raw"], artifacts, fsverity_root_hash: digest },
    root_image: { sha256: "0".repeat(64), size_bytes: 4096, fsverity_digest: digest },
    ...{ composefs, dpkg_status },
    ...{ lock_digest: digest, toolchain_digest: digest, source_date_epoch: 0 },
  };
  await writeFile(join(output(run), "amd64/build-manifest.json"), JSON.stringify(manifest));
}

const events: ProgressEvent[] = [];
const compare = (signal = new AbortController().signal) =>
  localComparator({ report: (event) => events.push(event) }).compare(
    {
      ...{ release: "demo", version: "1", arch: "amd64", folder: join(folder, "report") },
      runs: [1, 2].map((run) => ({ run, output: output(run) })),
    },
    signal,
  );
const stored = (name: string): Promise<string> => readFile(join(folder, "report", name), "utf8");

describe("two runs of the same bytes", () => {
  it("are reproduced, with hashes of the comparator's own, in a report that can be read back", async () => {
    const report = await compare();
    expect(report).toMatchObject({ verdict: "Reproduced", runs: [1, 2], differences: [], faults: [] });
    const paths = ["amd64/build-manifest.json", ...Object.keys(FILES)];
    expect(report.artifacts.map(({ path }) => path)).toEqual(paths.toSorted());
    const { sha256 } = await hashFile(join(output(1), DISK));
    expect(report.artifacts.find(({ path }) => path === DISK)?.sha256).toBe(sha256);
    expect(ComparisonReport.parse(JSON.parse(await stored(COMPARISON_FILES.json)))).toEqual(report);
    expect(await stored(COMPARISON_FILES.text)).toContain(`${sha256}  ${DISK}  13 bytes`);
    expect(faultOf(report)).toBeNull();
    expect(events).toContainEqual({ event: "action", step: "amd64 compare", text: "hashing run 2" });
  });
});

describe("a run with another byte", () => {
  it("is not reproducible: the artifact, the byte and what holds it are named, in both forms", async () => {
    await makeRun(2, { [DISK]: "first\nsecOnd\n" });
    const report = await compare();
    expect(report.verdict).toBe("NotReproducible");
    const [first] = report.differences;
    expect(first).toMatchObject({ kind: "content", path: DISK });
    if (first?.kind !== "content") throw new Error("not content");
    expect(first.comparisons[0]).toMatchObject({
      ...{ runs: [1, 2], firstOffset: 9, differingBytes: 1, rangeCount: 1, sizes: [13, 13] },
      ranges: [{ offset: 9, length: 1 }],
      findings: [{ trail: [{ name: "line 2" }], aspect: "text", values: ["second", "secOnd"] }],
    });
    expect(ComparisonReport.parse(JSON.parse(await stored(COMPARISON_FILES.json)))).toEqual(report);
    const text = await stored(COMPARISON_FILES.text);
    expect(text).toContain("NotReproducible: demo 1 amd64, runs 1, 2\n");
    expect(text).toContain(`\n${DISK}\n  run 1: sha256 `);
    expect(text).toContain("run 1 against run 2: first difference at byte 9, 1 byte in 1 range: 9\n");
    expect(text).toContain('field "line 2": text second against secOnd\n');
    expect(text).toMatch(/diffoscope: \S/);
    expect(faultOf(report)).toBe(`runs 1 and 2 differ, first in ${DISK}`);
  });

  it("may be one with other packages", async () => {
    await makeRun(2, { [ROOT_FILES.dpkg_status]: "Package: dpkg\nVersion: 2\n" });
    const { differences } = await compare();
    expect(differences.map((one) => ("path" in one ? one.path : one.kind))).toEqual([
      ROOT_FILES.dpkg_status,
      "amd64/build-manifest.json",
    ]);
    const [first] = differences;
    if (first?.kind !== "content") throw new Error("not content");
    expect(first.comparisons[0]).toMatchObject({ findings: [{ trail: [{ name: "line 2" }], aspect: "text" }] });
  });

  it("is found just so in run 1", async () => {
    await makeRun(1, { [DISK]: "first\nsecOnd\n" });
    const [first] = (await compare()).differences;
    if (first?.kind !== "content") throw new Error("not content");
    expect(first.comparisons[0]).toMatchObject({ firstOffset: 9, findings: [{ values: ["secOnd", "second"] }] });
  });

  it("changes neither run", async () => {
    await makeRun(2, { [DISK]: "other\n" });
    const before = await hashFile(join(output(2), DISK));
    await compare();
    expect(await hashFile(join(output(2), DISK))).toEqual(before);
    expect(await readFile(join(output(1), DISK), "utf8")).toBe(FILES[DISK]);
  });

  it("is not taken for another's because it links to it", async () => {
    await rm(join(output(2), DISK));
    await symlink(join(output(1), DISK), join(output(2), DISK));
    const report = await compare();
    expect(report.verdict).toBe("ManifestMismatch");
    expect(report.faults).toContainEqual({ run: 2, path: DISK, message: "is neither a file nor a folder" });
  });
});

describe("a manifest that is not true", () => {
  it("is a verdict of its own, which no equal bytes outweigh", async () => {
    for (const run of [1, 2]) {
      const path = join(output(run), "amd64/build-manifest.json");
      const text = await readFile(path, "utf8");
      await writeFile(path, text.replace('"size_bytes":13', '"size_bytes":14'));
    }
    const report = await compare();
    expect(report.verdict).toBe("ManifestMismatch");
    expect(await stored(COMPARISON_FILES.text)).toContain(`run 1: ${DISK} the manifest says size_bytes 14`);
    expect(faultOf(report)).toMatch(/^the manifest of run 1 is not true of its files: amd64\/.+ the manifest says/);
  });
  it("may be no manifest at all", async () => {
    for (const text of ["", "{}", "[", "null"]) {
      await writeFile(join(output(2), "amd64/build-manifest.json"), text);
      const report = await compare();
      expect(report.verdict, text).toBe("ManifestMismatch");
      expect(report.faults).toMatchObject([{ run: 2, path: "amd64/build-manifest.json" }]);
    }
  });
});

it("a run that a test made wrong is never reproduced, though its bytes are the same", async () => {
  await writeFile(join(output(2), "amd64", PERTURBED_FILE), "fat: byte 67\n");
  const report = await compare();
  expect(report).toMatchObject({
    verdict: "NotReproducible",
    differences: [{ kind: "perturbed", run: 2 }],
    faults: [],
  });
  expect(await stored(COMPARISON_FILES.text)).toContain("run 2 was made wrong on purpose by a test");
  expect(faultOf(report)).toBe("runs 1 and 2 differ");
});

it("a run that is not there is an error, not a verdict", async () => {
  await rm(output(2), { recursive: true });
  await expect(compare()).rejects.toThrow(/ENOENT/);
  await expect(compare(AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
});

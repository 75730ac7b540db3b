import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf, stableJson } from "../../../builders/contract/digest.ts";
import { demoManifest } from "../../../test/fakes/job-runner.ts";
import type { NamedBlob } from "../artifact-manifest.ts";
import { parseBuildManifest, readStaged, stagedManifest } from "./staged-run.ts";

const MANIFEST = digestOf("manifest");
const blob = (title: string): NamedBlob => ({ title, digest: digestOf(title), size: title.length });
const own: NamedBlob = { ...blob("out/amd64/build-manifest.json"), digest: MANIFEST };
const read = (files: readonly NamedBlob[], arch: "amd64" | "arm64" = "amd64") =>
  readStaged(stagedManifest(files, 0).bytes, arch, MANIFEST);
const mismatch = expect.objectContaining({ code: "ManifestMismatch" }) as Error;

describe("a staged run", () => {
  it("is read back, by path", () => {
    const files = [own, blob("out/amd64/raw/installer.img"), blob("logs/01-root.log")];
    const found = read(files);
    expect(found.map(({ path }) => path)).toEqual([
      "logs/01-root.log",
      "out/amd64/build-manifest.json",
      "out/amd64/raw/installer.img",
    ]);
    expect(found[2]?.blob).toMatchObject({ digest: digestOf("out/amd64/raw/installer.img"), size: 27 });
  });
  it("is the same manifest whatever the order of its files", () => {
    const files = [own, blob("out/amd64/a"), blob("logs/b")];
    expect(stagedManifest(files.toReversed(), 0).descriptor).toEqual(stagedManifest(files, 0).descriptor);
  });
  it("is refused with another manifest than the build pod told, or none", () => {
    expect(() => read([{ ...own, digest: digestOf("other") }])).toThrow(mismatch);
    expect(() => read([blob("out/amd64/raw/installer.img")])).toThrow(mismatch);
    expect(() => read([own], "arm64")).toThrow(mismatch);
  });
  it("is refused with a file that is not a run's", () => {
    for (const path of ["finished.json", "logs/a/b", "out/arm64/x", "out/x", "logs", "in/x"]) {
      expect(() => read([own, blob(path)]), path).toThrow(mismatch);
    }
  });
  it("is refused with a path that climbs, or twice the same", () => {
    const text = new TextDecoder().decode(stagedManifest([own, blob("out/amd64/raw/x")], 0).bytes);
    for (const path of ["out/amd64/../../../x", "/out/amd64/x", "out/amd64//x", "out/amd64/build-manifest.json"]) {
      const bytes = new TextEncoder().encode(text.replace("out/amd64/raw/x", path));
      expect(() => readStaged(bytes, "amd64", MANIFEST), path).toThrow(mismatch);
    }
  });
  it("is nothing else", () => {
    const text = new TextDecoder().decode(stagedManifest([own], 0).bytes);
    for (const other of ["", "{}", text.replace("staged-run", "inputs"), text.slice(1)]) {
      expect(() => readStaged(new TextEncoder().encode(other), "amd64", MANIFEST)).toThrow(mismatch);
    }
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => readStaged(bytes, "amd64", MANIFEST)).toThrow(mismatch);
      }),
    );
  });
});

describe("parseBuildManifest", () => {
  it("takes the builder's manifest and nothing else", () => {
    expect(parseBuildManifest(stableJson(demoManifest()))).toEqual(demoManifest());
    for (const text of ["", "{}", "[", "null"]) expect(() => parseBuildManifest(text)).toThrow(mismatch);
  });
  it("names both versions", () => {
    const text = stableJson({ ...demoManifest(), schema_version: 2 });
    expect(() => parseBuildManifest(text)).toThrow(/schema version 2, this imgrel reads version 1/);
  });
});

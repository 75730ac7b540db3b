import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import { LOCK, TOOLCHAIN } from "../../test/fakes/locked-image.ts";
import { MANIFEST, SIGNER } from "../../test/fakes/release-record.ts";
import { ARTIFACTS, BUILD_MANIFEST, RELEASE } from "../../test/fakes/release-run.ts";
import { artifactsOf, parseManifest, RecordManifest, serializeManifest } from "./record-manifest.ts";

const TEXT = serializeManifest(MANIFEST);

describe("manifest.json", () => {
  it("has the release, what it passed, inputs and signer", () => {
    expect(MANIFEST).toMatchObject({
      release: { ...RELEASE, sourceDateEpoch: 1795392000 },
      gate: { runs: 2, reproduced: true, booted: true },
      signer: SIGNER,
      arches: {
        amd64: {
          ...{ kernelVersion: "6.12.48+deb13-amd64", lock: lockDigest(LOCK), toolchainLock: lockDigest(TOOLCHAIN) },
          inputs: { reference: "registry.example/inputs:inputs-1", digest: digestOf("inputs") },
          rootImage: {
            ...{ sha256: BUILD_MANIFEST.root_image.sha256, sizeBytes: 4096 },
            fsverity: { digest: digestOf("root digest"), rootHash: digestOf("root hash") },
          },
        },
      },
    });
  });

  it("has each file below its target or arch, with hash, size and fs-verity digest", () => {
    expect(Object.keys(MANIFEST.arches.amd64?.files ?? {})).toEqual(["build-manifest.json"]);
    expect(MANIFEST.targets["amd64/raw"]).toEqual({
      oci: { reference: "registry.example/images:demo-amd64-raw", digest: digestOf("raw") },
      layout: { backing: "partition:0b1c2d3e-0000-4000-8000-000000000001", partitions: [] },
      files: {
        SHA256SUMS: expect.anything(),
        "installer.img": {
          ...{ sha256: ARTIFACTS[4]?.sha256, sizeBytes: 23 },
          fsverity: { digest: ARTIFACTS[4]?.fsverityDigest },
        },
      },
    });
    expect(artifactsOf(MANIFEST)).toEqual(ARTIFACTS);
  });

  it("is read back as it is written", () => {
    expect(parseManifest(TEXT)).toEqual(MANIFEST);
  });

  it.each([
    ["no JSON", "{", /manifest\.json: is not JSON/],
    ["a path that climbs", TEXT.replace('"installer.img"', '"../installer.img"'), /installer/],
    ["an absolute path", TEXT.replace('"installer.img"', '"/installer.img"'), /installer/],
    ["a hidden file", TEXT.replace('"installer.img"', '".installer.img"'), /installer/],
    ["a target that does not exist", TEXT.replace('"amd64/raw"', '"amd64/cd"'), /amd64\/cd/],
    ["an arch that does not exist", TEXT.replace('"amd64": {', '"i386": {'), /arches/],
    [
      "a hash that is none",
      TEXT.replace(ARTIFACTS[4]?.sha256 ?? "", "abc"),
      /targets\["amd64\/raw"\]\.files\["installer\.img"\]\.sha256: must be 64/,
    ],
    ["no signer", TEXT.replace(/,\n {2}"signer": \{[^}]+\}/, ""), /manifest\.json: signer: /],
    ["an unknown key", TEXT.replace('"gate": {', '"more": 1,\n  "gate": {'), /more/],
    ["a newer schema", TEXT.replace('"schemaVersion": 1', '"schemaVersion": 2'), /schemaVersion/],
    ["a key twice", TEXT.replace('"runs": 2', '"runs": 1,\n    "runs": 2'), /is not in the form that imgrel writes/],
    ["another form", `${TEXT} `, /is not in the form that imgrel writes/],
  ])("is refused with %s", (_, text, message) => {
    expect(() => parseManifest(text)).toThrow(message);
    expect(() => parseManifest(text)).toThrow(expect.objectContaining({ code: "RecordInvalid" }));
  });

  it("lets no path out of its folder, whatever it looks like", () => {
    const path = fc.string({ unit: fc.constantFrom(".", "/", "a", "\\", "-", "_", "~", " ", "\n") });
    const [file] = Object.values(MANIFEST.targets["amd64/raw"]?.files ?? {});
    fc.assert(
      fc.property(path, (name) => {
        const target = { ...MANIFEST.targets["amd64/raw"], files: { [name]: file } };
        const read = RecordManifest.safeParse({ ...MANIFEST, targets: { "amd64/raw": target } });
        if (!read.success) return;
        expect(name.split("/").filter((part) => part === "" || part.startsWith("."))).toEqual([]);
        expect(name).toMatch(/^[-./a_]+$/);
      }),
      { numRuns: 1000 },
    );
  });
});

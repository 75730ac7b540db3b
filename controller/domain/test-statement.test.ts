import { describe, expect, it } from "vitest";
import { canonicalJson, sha256Hex } from "../../builders/contract/digest.ts";
import { ARTIFACTS, bootFacts } from "../../test/fakes/release-run.ts";
import { bootStatement } from "./test-statement.ts";

const bios = bootFacts("raw", "bios", true);
const uefi = bootFacts("raw", "uefi", true);

describe("bootStatement", () => {
  it("names every boot, what it ran in and what shows it", () => {
    const { emulator, commandLine } = bios.result;
    const entry = (firmware: string) => ({
      name: `raw-${firmware}`,
      digest: { sha256: sha256Hex(canonicalJson({ commandLine, emulator })) },
      annotations: { emulator, commandLine, machine: "q35", firmware, bus: "virtio-blk" },
    });
    expect(bootStatement("amd64", "raw", [uefi, bios], ARTIFACTS)).toEqual({
      _type: "https://in-toto.io/Statement/v1",
      subject: [
        expect.objectContaining({ name: "amd64/raw/SHA256SUMS" }),
        {
          name: "amd64/raw/installer.img",
          digest: { sha256: ARTIFACTS[4]?.sha256 },
          annotations: { sizeBytes: 23, fsverityDigest: ARTIFACTS[4]?.fsverityDigest },
        },
      ],
      predicateType: "https://in-toto.io/attestation/test-result/v0.1",
      predicate: {
        result: "PASSED",
        configuration: [entry("bios"), entry("uefi")],
        passedTests: ["boot/raw-bios", "boot/raw-uefi"],
        failedTests: [],
        evidence: [
          { name: "raw-bios/serial.log", digest: { sha256: sha256Hex("serial") } },
          { name: "raw-uefi/serial.log", digest: { sha256: sha256Hex("serial") } },
        ],
      },
    });
  });

  it("has failed if one boot did", () => {
    const { predicate } = bootStatement("amd64", "raw", [bios, bootFacts("raw", "uefi", false)], ARTIFACTS);
    expect(predicate).toMatchObject({
      ...{ result: "FAILED", passedTests: ["boot/raw-bios"], failedTests: ["boot/raw-uefi"] },
    });
  });

  it("has neither firmware nor machine where there was none", () => {
    const direct = bootFacts("kernel-initrd", null, true);
    const bare = { ...direct, result: { ...direct.result, commandLine: ["qemu"] } };
    const { predicate } = bootStatement("amd64", "kernel-initrd", [bare], ARTIFACTS);
    expect(predicate).toMatchObject({
      passedTests: ["boot/kernel-initrd"],
      configuration: [{ annotations: { firmware: null, bus: null, machine: null } }],
    });
  });

  it("is not made of no boot, of another variant's, or about no file", () => {
    expect(() => bootStatement("amd64", "raw", [], ARTIFACTS)).toThrow(/no boot of amd64\/raw/);
    expect(() => bootStatement("amd64", "kernel-initrd", [bios], ARTIFACTS)).toThrow(/no boot/);
    expect(() => bootStatement("arm64", "raw", [bios], ARTIFACTS)).toThrow(/no boot of arm64\/raw/);
  });
});

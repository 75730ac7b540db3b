import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { type PlatformPredicate, platformStatement } from "./platform-statement.ts";
import { Statement } from "./statement.ts";

const FACTS: PlatformPredicate = {
  platform_name: "ubuntu-24.04-rpi4",
  oci_ref: "registry.example:5000/powernode/images:2026.11.0-arm64-disk-image-rpi4",
  sha256: sha256Hex("image"),
  size_bytes: 1024,
  git_sha: "a".repeat(40),
  firmware_ref: "rpi-1.20250305",
  arch: "arm64",
  built_at: "2026-11-23T03:09:00Z",
};

describe("platformStatement", () => {
  it("is a statement about the image, with the platform's own keys", () => {
    const statement = platformStatement("powernode-rpi4.img", FACTS);
    expect(Statement.parse(statement)).toEqual(statement);
    expect(statement.subject).toEqual([{ name: "powernode-rpi4.img", digest: { sha256: FACTS.sha256 } }]);
    expect(statement.predicateType).toBe("https://cosign.sigstore.dev/attestation/v1");
    expect(statement.predicate).toEqual(FACTS);
  });
  it("says null where a release names no platform or firmware", () => {
    const { predicate } = platformStatement("installer.img", { ...FACTS, platform_name: null, firmware_ref: null });
    expect(predicate).toMatchObject({ platform_name: null, firmware_ref: null });
  });
  it.each([
    ["oci_ref", "registry.example/powernode/images"],
    ["oci_ref", `registry.example/powernode/images@sha256:${"a".repeat(64)}`],
    ["sha256", "A".repeat(64)],
    ["size_bytes", 0],
    ["size_bytes", 1.5],
    ["git_sha", "aaaaaaa"],
    ["built_at", "2026-11-23T03:09:00+01:00"],
    ["built_at", "2026-11-23"],
    ["platform_name", ""],
  ] as const)("refuses %s %j", (key, value) => {
    expect(() => platformStatement("installer.img", { ...FACTS, [key]: value })).toThrow(key);
  });
});

import type { BootResult } from "../../builders/contract/boot.ts";
import type { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { digestOf, sha256Hex } from "../../builders/contract/digest.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import type { Variant } from "../../builders/contract/variant.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import type { PlannedBoot } from "../../controller/domain/boot-plan.ts";
import type { ComparedArtifact } from "../../controller/domain/comparison.ts";
import { LOCAL_BUILDER, type RunFacts } from "../../controller/domain/provenance.ts";
import type { ReleaseFacts } from "../../controller/domain/release-facts.ts";
import { LOCK, TOOLCHAIN } from "./locked-image.ts";

export const RELEASE: ReleaseFacts = {
  name: "demo",
  version: "2026.11.23-1",
  repository: "git+https://git.example/acme/releases.git",
  branch: "main",
  specCommit: "3f".repeat(20),
  specDigest: digestOf("spec"),
};

/** A file of an output folder; its hashes are made from its path. */
export const artifact = (path: string): ComparedArtifact => ({
  path,
  sha256: sha256Hex(path),
  sizeBytes: path.length,
  fsverityDigest: digestOf(`fs-verity of ${path}`),
});

export const ARTIFACTS: readonly ComparedArtifact[] = [
  "amd64/build-manifest.json",
  "amd64/kernel-initrd/SHA256SUMS",
  "amd64/kernel-initrd/kernel",
  "amd64/raw/SHA256SUMS",
  "amd64/raw/installer.img",
].map(artifact);

export const BUILD_MANIFEST: BuildManifest = {
  ...{ schema_version: 1, arch: "amd64", base_image_digest: null, oci_digest: null },
  ...{ apt_snapshot: "20261123T193000Z", kernel_version: "6.12.48+deb13-amd64", git_sha: RELEASE.specCommit },
  variants: ["kernel-initrd", "raw"],
  artifacts: Object.fromEntries(
    ARTIFACTS.filter(({ path }) => path.split("/").length > 2).map(({ path, sha256, sizeBytes, fsverityDigest }) => [
      path,
      { sha256, size_bytes: sizeBytes, fsverity_digest: fsverityDigest },
    ]),
  ),
  fsverity_root_hash: digestOf("root hash"),
  root_image: { sha256: sha256Hex("root.erofs"), size_bytes: 4096, fsverity_digest: digestOf("root digest") },
  composefs: { sha256: sha256Hex("root.cfs"), size_bytes: 4096, fsverity_digest: digestOf("composefs digest") },
  dpkg_status: { sha256: sha256Hex("dpkg-status"), size_bytes: 100, fsverity_digest: digestOf("status digest") },
  lock_digest: lockDigest(LOCK),
  toolchain_digest: lockDigest(TOOLCHAIN),
  source_date_epoch: 1795392000,
};

/** Run 1 of the release as the local process saw it. */
export const RUN: RunFacts = {
  ...{ release: RELEASE, specTree: "4e".repeat(20), baseImage: null, builderImage: null, locations: {} },
  lock: { lock: LOCK, gitBlob: "5d".repeat(20) },
  toolchain: { lock: TOOLCHAIN, gitBlob: "6c".repeat(20) },
  imgrel: { version: "0.1.0", commit: "7b".repeat(20) },
  ...{ arch: "amd64", run: 1, sourceDateEpoch: 1795392000, variation: PLAIN },
  builder: { id: LOCAL_BUILDER, version: { node: "24.21.0" }, image: null },
  invocationId: "local:0190a3f2-1111-7000-8000-000000000001/demo/amd64/run-1",
  startedOn: new Date("2026-11-23T03:00:00.250Z"),
  finishedOn: new Date("2026-11-23T03:09:00Z"),
  byproducts: [{ name: "build.log", sha256: sha256Hex("log"), mediaType: "text/plain" }],
  artifacts: ARTIFACTS,
};

/** How a variant was booted, and what came of it. */
export const bootFacts = (variant: Variant, firmware: PlannedBoot["firmware"], passed: boolean) => {
  const bus = firmware === null ? null : ("virtio-blk" as const);
  const result: BootResult = {
    ...{ schemaVersion: 1, passed, reason: passed ? "reached multi-user" : "no report", agentLine: null },
    ...{ durationSeconds: 61.5, emulator: "QEMU emulator version 10.0.2", consoleTail: [] },
    commandLine: ["qemu-system-x86_64", "-machine", "q35", "-m", "1536M"],
  };
  return { planned: { variant, firmware, bus }, result, evidence: { "serial.log": sha256Hex("serial") } };
};

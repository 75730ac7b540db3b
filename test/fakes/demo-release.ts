import { ROOT_PACKAGES } from "../../builders/contract/root-packages.ts";
import type { ToolchainPackages } from "../../builders/contract/package-request.ts";
import type { ArchiveState } from "./package-archive.ts";

/** A release for one architecture, or two. */
export const demoSpec = (extra = "", targets = "    - { variant: raw, arch: amd64 }\n"): string => `# comments stay
apiVersion: releases.powernode.io/v1alpha1
kind: DiskImageRelease
metadata: { name: demo }
spec:
  version: "2026.11.23-1" # goes up
  className: local
  inputs:
    distribution: { archive: debian, suite: trixie, snapshot: "20261123T000000Z" }
    kernelPackage:
      amd64: linux-image-6.12.48+deb13-amd64
      arm64: linux-image-6.12.48+deb13-arm64
${extra}    sourceDateEpoch: 1795392000
  targets:
${targets}`;

export const DEMO_TOOLCHAIN: ToolchainPackages = {
  archive: "debian",
  suite: "trixie",
  components: ["main"],
  packages: { erofs: "makes the image", mmdebstrap: "makes the root" },
  archPackages: {},
  rolling: [],
};

/** An archive that has what the demo needs; `changes` are other or further versions, null for none. */
export function demoArchive(date: string, changes: Readonly<Record<string, string | null>> = {}): ArchiveState {
  const base = ["linux-image-6.12.48+deb13-amd64", "linux-image-6.12.48+deb13-arm64", "erofs", "mmdebstrap", "curl"];
  const index = Object.fromEntries([...Object.keys(ROOT_PACKAGES), ...base].map((name) => [name, "1.0-1"]));
  const all = Object.entries({ ...index, ...changes });
  return {
    date,
    index: Object.fromEntries(all.flatMap(([name, version]) => (version === null ? [] : [[name, version]]))),
  };
}

/** How many packages the demo's lock has in such an archive: the root's and a kernel. */
export const DEMO_PACKAGES = Object.keys(ROOT_PACKAGES).length + 1;

import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { BuildRequest } from "../../builders/contract/build-request.ts";
import { Lock } from "../../builders/contract/lock.ts";
import { requireDocument } from "./documents.ts";
import { buildRequest } from "./plan.ts";

const lock = Lock.parse({
  schemaVersion: 1,
  kind: "release",
  arch: "amd64",
  requested: ["bash"],
  suites: [
    {
      ...{ archive: "debian", suite: "trixie", components: ["main"], snapshot: null, inRelease: digestOf("x") },
      ...{ date: "20261121T091544Z", keyring: "debian-archive-keyring.gpg", rolling: false },
    },
  ],
  toolchain: digestOf("toolchain"),
  packages: [
    {
      ...{
        name: "bash",
        version: "5",
        arch: "amd64",
        size: 1,
        sha256: "a".repeat(64),
        path: "pool/main/b/bash/bash_5.deb",
      },
      ...{ role: "target", suite: "trixie" },
    },
  ],
});

const release = (inputs = "") =>
  requireDocument(
    `apiVersion: releases.powernode.io/v1alpha1
kind: DiskImageRelease
metadata: {name: demo}
spec:
  version: "1-1"
  className: local
  inputs:
    distribution: {archive: debian, suite: trixie}
    kernelPackage: {amd64: linux-image-6.12.117+deb13-amd64}
    sourceDateEpoch: 1795392000
${inputs}
  targets:
    - {variant: raw, arch: amd64}
    - {variant: kernel-initrd, arch: amd64}
`,
    "release.yaml",
    "DiskImageRelease",
  );
const commit = "1".repeat(40);

describe("buildRequest", () => {
  it("holds all that decides a byte, in a form that the builder accepts", () => {
    const request = buildRequest({ release: release(), commit, lock, arch: "amd64" });
    expect(BuildRequest.parse(request)).toEqual(request);
    expect(request).toMatchObject({
      release: "demo",
      version: "1-1",
      variants: ["kernel-initrd", "raw"],
      kernelPackage: "linux-image-6.12.117+deb13-amd64",
      gitSha: commit,
      baseImageDigest: null,
      aptSnapshot: "20261121T091544Z",
    });
  });
  it("takes the digest out of a base image, and only the variants that were asked for", () => {
    const base = release(`    baseImage: ubuntu@sha256:${"b".repeat(64)}`);
    const request = buildRequest({ release: base, commit, lock, arch: "amd64", variants: ["raw"] });
    expect(request).toMatchObject({ baseImageDigest: `sha256:${"b".repeat(64)}`, variants: ["raw"] });
  });
  it("refuses what the release does not have", () => {
    expect(() => buildRequest({ release: release(), commit, lock, arch: "amd64", variants: ["iso"] })).toThrow(
      "demo has no target iso/amd64",
    );
    expect(() => buildRequest({ release: release(), commit, lock, arch: "arm64" })).toThrow("demo has no target arm64");
  });
  it("refuses an agent instead of building an image without it", () => {
    const agent = release(`    agent: {amd64: "powernode-agent@sha256:${"c".repeat(64)}"}`);
    expect(() => buildRequest({ release: agent, commit, lock, arch: "amd64" })).toThrow("spec.inputs.agent.amd64");
  });
});

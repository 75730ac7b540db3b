import { readFile } from "node:fs/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LOCK, lockedPackage, releaseLock, TOOLCHAIN } from "../../test/fakes/locked-image.ts";
import { ARTIFACTS, RELEASE, RUN } from "../../test/fakes/release-run.ts";
import { canonicalJson, sha256Hex } from "../../builders/contract/digest.ts";
import { serializeLock } from "../../builders/contract/lock.ts";
import { PLAIN, variationOf } from "../../builders/contract/variation.ts";
import {
  BUILD_TYPE,
  ExternalParameters,
  LOCAL_BUILDER,
  MAX_STATEMENT_BYTES,
  Provenance,
  provenanceStatement,
  type RunFacts,
  statementBytes,
} from "./provenance.ts";
import { repositoryUri } from "./release-facts.ts";
import { resolvedDependencies, type ResourceDescriptor } from "./resolved-dependencies.ts";
import { Statement } from "./statement.ts";

const predicateOf = (facts: RunFacts = RUN): Provenance =>
  Provenance.parse(provenanceStatement(facts, "raw").predicate);
const dependencies = (facts: RunFacts = RUN, debs = true): ResourceDescriptor[] =>
  resolvedDependencies(facts, { debs });
const named = (name: string, facts: RunFacts = RUN) => dependencies(facts).filter((one) => one.name === name);

/** A run whose lock has this many packages of the target. */
const withPackages = (count: number): RunFacts => ({
  ...RUN,
  lock: {
    ...RUN.lock,
    lock: releaseLock(Array.from({ length: count }, (_, index) => lockedPackage(`package-${index}`, "1", "target"))),
  },
});

describe("provenanceStatement", () => {
  it("is about every file of the variant and the arch's manifest, with size and fs-verity digest", () => {
    const { subject, ...rest } = Statement.parse(provenanceStatement(RUN, "raw"));
    expect(subject.map(({ name }) => name)).toEqual([
      "amd64/build-manifest.json",
      "amd64/raw/SHA256SUMS",
      "amd64/raw/installer.img",
    ]);
    expect(subject[2]).toEqual({
      name: "amd64/raw/installer.img",
      digest: { sha256: sha256Hex("amd64/raw/installer.img") },
      annotations: { sizeBytes: 23, fsverityDigest: ARTIFACTS[4]?.fsverityDigest },
    });
    expect(rest).toMatchObject({
      ...{ _type: "https://in-toto.io/Statement/v1", predicateType: "https://slsa.dev/provenance/v1" },
    });
  });

  it("asks for exactly five strings", () => {
    expect(predicateOf().buildDefinition).toMatchObject({
      buildType: BUILD_TYPE,
      externalParameters: {
        source: "git+https://git.example/acme/releases.git@refs/heads/main",
        path: "specs/demo/release.yaml",
        ...{ release: "demo", arch: "amd64", variant: "raw" },
      },
    });
    const asked = predicateOf().buildDefinition.externalParameters;
    expect(() => ExternalParameters.parse({ ...asked, more: "x" })).toThrow(/more/);
    const { path: _path, ...less } = asked;
    expect(() => ExternalParameters.parse(less)).toThrow(/path/);
  });

  it("says who ran it, how and when", () => {
    const statement = provenanceStatement(
      { ...RUN, variation: variationOf(2, { cpus: 2, memoryAvailableBytes: 0 }), run: 2 },
      "raw",
    );
    expect(statement.predicate["buildDefinition"]).toMatchObject({
      internalParameters: {
        ...{ run: 2, sourceDateEpoch: 1795392000, network: "none" },
        variation: { hostname: "other-machine-2", umask: "0077", clockOffsetDays: 397 },
      },
    });
    expect(statement.predicate["runDetails"]).toEqual({
      builder: { id: LOCAL_BUILDER, version: { node: "24.21.0", imgrel: "0.1.0" } },
      metadata: {
        invocationId: RUN.invocationId,
        startedOn: "2026-11-23T03:00:00Z",
        finishedOn: "2026-11-23T03:09:00Z",
      },
      byproducts: [{ name: "build.log", digest: { sha256: sha256Hex("log") }, mediaType: "text/plain" }],
    });
  });

  it("tells where in a cluster it was built, and what held its network", () => {
    const { internalParameters } = predicateOf().buildDefinition;
    expect(internalParameters).toMatchObject({ network: "none" });
    expect(internalParameters).not.toHaveProperty("node");
    const there = provenanceStatement({ ...RUN, node: "n1", network: "policy" }, "raw");
    expect(there.predicate["buildDefinition"]).toMatchObject({
      internalParameters: { network: "policy", node: "n1" },
    });
  });

  it("shares no field between what is asked from outside and what the builder chose", () => {
    const { externalParameters, internalParameters } = predicateOf().buildDefinition;
    expect(Object.keys(internalParameters).filter((key) => key in externalParameters)).toEqual([]);
  });

  it("differs between two runs of the same bytes in internalParameters and runDetails only", () => {
    const second = { ...RUN, run: 2, variation: { ...PLAIN, umask: "0077" }, invocationId: "other", byproducts: [] };
    const [a, b] = [provenanceStatement(RUN, "raw"), provenanceStatement(second, "raw")];
    const comparable = ({ subject, predicate }: Statement) => {
      const {
        buildType,
        externalParameters,
        resolvedDependencies: resolved,
      } = Provenance.parse(predicate).buildDefinition;
      return { subject, buildType, externalParameters, resolved };
    };
    expect(comparable(a)).toEqual(comparable(b));
    expect(a).not.toEqual(b);
  });

  it("is not made for a variant without files, or without the manifest", () => {
    expect(() => provenanceStatement(RUN, "iso")).toThrow(/no file of amd64\/iso/);
    const artifacts = ARTIFACTS.filter(({ path }) => path !== "amd64/build-manifest.json");
    expect(() => provenanceStatement({ ...RUN, artifacts }, "raw")).toThrow(/no amd64\/build-manifest\.json/);
  });

  it("names every package as long as it stays within 256 KiB, and then only the locks", () => {
    const countOf = (facts: RunFacts) =>
      Provenance.parse(provenanceStatement(facts, "raw").predicate).buildDefinition.resolvedDependencies;
    // one package more costs the same every time, so the border can be found by halving
    let [fits, tooMany] = [1, 4000];
    while (tooMany - fits > 1) {
      const middle = Math.floor((fits + tooMany) / 2);
      if (countOf(withPackages(middle)).some(({ name }) => name === "deb")) fits = middle;
      else tooMany = middle;
    }
    expect(fits).toBeGreaterThan(500);
    expect(countOf(withPackages(fits)).filter(({ name }) => name === "deb")).toHaveLength(fits + 2);
    const small = countOf(withPackages(tooMany));
    expect(small.filter(({ name }) => name === "deb")).toEqual([]);
    expect(small.find(({ name }) => name === "lock")?.annotations).toEqual({ debCount: tooMany });
    expect(small.find(({ name }) => name === "toolchain-lock")?.annotations).toEqual({ debCount: 2 });
    for (const count of [fits, tooMany]) {
      expect(statementBytes(provenanceStatement(withPackages(count), "raw"))).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
    }
    const [largest] = [provenanceStatement(withPackages(fits), "raw")];
    expect(statementBytes(largest)).toBeGreaterThan(MAX_STATEMENT_BYTES - 1000);
  });

  it("is the example of the build type's document", async () => {
    const text = await readFile(new URL("../../docs/buildtypes/boot-artifact-v1.md", import.meta.url), "utf8");
    const [, example = ""] = /```json\n([^`]+)```\n$/.exec(text) ?? [];
    expect(example).toBe(`${JSON.stringify(provenanceStatement(RUN, "raw"), null, 2)}\n`);
  });
});

describe("resolvedDependencies", () => {
  it("has spec, locks and imgrel by their git objects, each lock's SHA-256 too", () => {
    expect(named("spec")).toEqual([
      {
        name: "spec",
        uri: "git+https://git.example/acme/releases.git@refs/heads/main",
        digest: { gitCommit: RELEASE.specCommit, gitTree: RUN.specTree },
      },
    ]);
    expect(named("lock")).toEqual([
      {
        name: "lock",
        uri: "git+https://git.example/acme/releases.git#specs/demo/lock.amd64.json",
        digest: { gitBlob: RUN.lock.gitBlob, sha256: sha256Hex(serializeLock(LOCK)) },
      },
    ]);
    expect(named("toolchain-lock")).toMatchObject([
      {
        uri: "git+https://git.example/acme/releases.git#toolchain/lock.amd64.json",
        digest: { sha256: sha256Hex(serializeLock(TOOLCHAIN)) },
      },
    ]);
    expect(named("imgrel")).toEqual([
      { name: "imgrel", uri: "pkg:generic/imgrel@0.1.0", digest: { gitCommit: RUN.imgrel.commit } },
    ]);
  });

  it("leaves out git objects that are not known, rather than guess", () => {
    const bare: RunFacts = {
      ...RUN,
      ...{ specTree: null, imgrel: { version: "0.1.0", commit: null } },
      ...{ lock: { lock: LOCK, gitBlob: null }, toolchain: { lock: TOOLCHAIN, gitBlob: null } },
    };
    expect(named("spec", bare)[0]?.digest).toEqual({ gitCommit: RELEASE.specCommit });
    expect(named("lock", bare)[0]?.digest).toEqual({ sha256: sha256Hex(serializeLock(LOCK)) });
    expect(named("imgrel", bare)[0]).not.toHaveProperty("digest");
  });

  it("has every package of target and toolchain, in their roles, without any host", () => {
    expect(named("deb").map(({ uri, digest, annotations }) => [uri, digest?.["sha256"], annotations])).toEqual([
      [
        "pkg:deb/debian/bash@5.2.37-2%2Bb10?arch=amd64&distro=trixie",
        sha256Hex("bash"),
        { sizeBytes: 1004, role: "builder" },
      ],
      [
        "pkg:deb/debian/bash@5.2.37-2%2Bb10?arch=amd64&distro=trixie",
        sha256Hex("bash"),
        { sizeBytes: 1004, role: "target" },
      ],
      [
        "pkg:deb/debian/libc6@2.41-12?arch=amd64&distro=trixie",
        sha256Hex("libc6"),
        { sizeBytes: 1005, role: "target" },
      ],
      [
        "pkg:deb/debian/libstdc%2B%2B6@14.2.0-19?arch=amd64&distro=trixie",
        sha256Hex("libstdc++6"),
        { sizeBytes: 1010, role: "target" },
      ],
      [
        "pkg:deb/debian/mmdebstrap@1.5.7-1?arch=all&distro=trixie",
        sha256Hex("mmdebstrap"),
        { sizeBytes: 1010, role: "builder" },
      ],
      [
        "pkg:deb/debian/mount@1:2.41.5-0%2Bdeb13u1?arch=amd64&distro=trixie",
        sha256Hex("mount"),
        { sizeBytes: 1005, role: "target" },
      ],
    ]);
    expect(canonicalJson(dependencies())).not.toMatch(/downloadLocation|deb\.debian\.org|https:\/\/(?!git\.example)/);
  });

  it("names where everyone can download, where there is such a place", () => {
    const locations = { "debian/trixie": "https://snapshot.example/debian/20261123T193000Z/" };
    const everywhere = { ...RUN, locations };
    expect(named("deb", everywhere)[0]?.downloadLocation).toBe(
      "https://snapshot.example/debian/20261123T193000Z/pool/main/b/bash/bash_5.2.37-2+b10_amd64.deb",
    );
    expect(named("apt-index/debian/trixie", everywhere)[0]?.downloadLocation).toBe(
      "https://snapshot.example/debian/20261123T193000Z/dists/trixie/InRelease",
    );
    expect(named("deb", { ...RUN, locations: { "debian/sid": "https://x" } })[0]).not.toHaveProperty(
      "downloadLocation",
    );
  });

  it("has each index once, with the keyring that signed it", () => {
    expect(named("apt-index/debian/trixie")).toEqual([
      {
        name: "apt-index/debian/trixie",
        digest: { sha256: sha256Hex("InRelease") },
        annotations: { signedBy: "debian-archive-keyring.gpg", date: "20261121T091544Z" },
      },
    ]);
  });

  it("has the base image by digest, without its registry", () => {
    const baseImage = `ubuntu@sha256:${"9a".repeat(32)}`;
    expect(named("base-image")).toEqual([]);
    expect(named("base-image", { ...RUN, baseImage })).toEqual([
      { name: "base-image", uri: `pkg:oci/ubuntu@sha256:${"9a".repeat(32)}`, digest: { sha256: "9a".repeat(32) } },
    ]);
    expect(() => dependencies({ ...RUN, baseImage: "ubuntu:24.04" })).toThrow(/string/);
  });

  it("is sorted by name and URI, in whatever order the locks have their packages", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...LOCK.packages], { minLength: 4 }), (packages) => {
        const shuffled = { ...RUN, lock: { ...RUN.lock, lock: { ...LOCK, packages } } };
        expect(dependencies(shuffled)).toEqual(dependencies());
      }),
    );
    const keys = dependencies().map(({ name, uri }) => `${name}\n${uri ?? ""}`);
    expect(keys).toEqual(keys.toSorted());
  });
});

describe("repositoryUri", () => {
  it.each([
    ["https://git.example/acme/releases.git", "git+https://git.example/acme/releases.git"],
    ["ssh://git@git.example/acme/releases", "git+ssh://git@git.example/acme/releases"],
    ["./.imgrel/repository.git", "git+file:repository.git"],
    ["/home/someone/repository.git/", "git+file:repository.git"],
  ])("%s is %s: no path of a machine", (url, uri) => {
    expect(repositoryUri(url)).toBe(uri);
  });
});

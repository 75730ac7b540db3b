import { describe, expect, it } from "vitest";
import { digestOf } from "../../builders/contract/digest.ts";
import { ARTIFACT_TYPE } from "../../controller/domain/artifact-manifest.ts";
import { type ArtifactManifest, EMPTY_DESCRIPTOR, OCI } from "../../controller/domain/oci.ts";
import { expectKept, expectOnce, type Named } from "./publication-traces.ts";
import type { RegistryContents } from "./registry-contents.ts";

// A release of one disk image as a registry has it, and what must not pass for it.
const [FILES, IMAGE, BUNDLE] = [digestOf("files"), digestOf("image"), digestOf("bundle")];
const [FILE, SIGNATURE, STATEMENT] = [digestOf("installer.img"), digestOf("signature"), digestOf("statement")];

const manifest = (artifactType: string, ...digests: string[]): ArtifactManifest => ({
  ...{ schemaVersion: 2, mediaType: OCI.manifest, artifactType, config: EMPTY_DESCRIPTOR },
  layers: digests.map((digest) => ({ mediaType: "a/b", digest, size: 1 })),
});
const WHOLE: RegistryContents = {
  blobs: new Set([FILE, SIGNATURE, STATEMENT]),
  manifests: new Map([
    [FILES, manifest(ARTIFACT_TYPE.bootArtifact, FILE)],
    [IMAGE, manifest(ARTIFACT_TYPE.diskImage, FILE, SIGNATURE)],
    [BUNDLE, manifest(ARTIFACT_TYPE.bundle, STATEMENT)],
  ]),
  tags: new Map([["demo", IMAGE]]),
  tagged: new Map([["demo", [IMAGE]]]),
  referrers: new Map([[FILES, [BUNDLE]]]),
};
const NAMED: Named = { tags: new Map([["demo", IMAGE]]), files: new Set([FILE, STATEMENT]) };

const OTHER = digestOf("other");
const also = (digest: string, one: ArtifactManifest): Partial<RegistryContents> => ({
  manifests: new Map([...WHOLE.manifests, [digest, one]]),
});

describe("what a killed release left", () => {
  it("may be all of it, a part, or nothing", () => {
    const nothing = { blobs: new Set<string>(), manifests: new Map(), tags: new Map(), tagged: new Map() };
    expectKept(WHOLE, WHOLE, NAMED);
    expectKept({ ...WHOLE, tags: new Map(), tagged: new Map() }, WHOLE, NAMED);
    expect(() => expectKept({ ...nothing, referrers: new Map() }, WHOLE, NAMED)).not.toThrow();
  });
  it("may be a signature that no list names, and no other", () => {
    const stray = also(OTHER, manifest(ARTIFACT_TYPE.bundle, OTHER));
    expectKept({ ...WHOLE, ...stray }, WHOLE, NAMED);
    const listed = { ...WHOLE, ...stray, referrers: new Map([[FILES, [BUNDLE, OTHER]]]) };
    expect(() => expectKept(listed, listed, NAMED)).toThrow(/what sha256:/);
  });
  it.each<[string, Partial<RegistryContents>]>([
    ["a tag of another digest", { tags: new Map([["demo", OTHER]]) }],
    ["a tag that the record does not have", { tags: new Map([["demo-2", IMAGE]]) }],
    ["an image with another signature", also(OTHER, manifest(ARTIFACT_TYPE.diskImage, FILE, OTHER))],
    ["other files", also(OTHER, manifest(ARTIFACT_TYPE.bootArtifact, OTHER))],
    ["a list that has lost an entry since", { referrers: new Map([[FILES, [BUNDLE, OTHER]]]) }],
  ])("is not %s", (_, change) => {
    expect(() => expectKept({ ...WHOLE, ...change }, WHOLE, NAMED)).toThrow("expected");
  });
});

describe("a release that is there once", () => {
  it("is", () => {
    expect(() => expectOnce(WHOLE, NAMED, WHOLE)).not.toThrow();
  });
  it.each<[string, Partial<RegistryContents>]>([
    ["two images", also(OTHER, manifest(ARTIFACT_TYPE.diskImage, FILE, SIGNATURE))],
    ["two sets of files", also(OTHER, manifest(ARTIFACT_TYPE.bootArtifact, FILE))],
    ["no tag", { tags: new Map(), tagged: new Map() }],
    ["two tags", { tags: new Map([...WHOLE.tags, ["demo-2", IMAGE]]), tagged: WHOLE.tagged }],
    ["a tag that was moved", { tagged: new Map([["demo", [IMAGE, OTHER]]]) }],
  ])("has not %s", (_, change) => {
    expect(() => expectOnce({ ...WHOLE, ...change }, NAMED, WHOLE)).toThrow("expected");
  });
});

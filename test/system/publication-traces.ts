import { expect } from "vitest";
import { ARTIFACT_TYPE } from "../../controller/domain/artifact-manifest.ts";
import { unverifiedStatement } from "../../controller/domain/bundle-statement.ts";
import { parseManifest } from "../../controller/domain/record-manifest.ts";
import { type Case, gitOf } from "./publication-room.ts";
import type { RegistryContents } from "./registry-contents.ts";

/** What the record of a finished release names. */
export type Named = {
  /** digest of each target's artifact, by its tag */
  readonly tags: ReadonlyMap<string, string>;
  /** digests of the artifacts' files and of the record's own: bundles are the same bytes there and in the registry */
  readonly files: ReadonlySet<string>;
};

/** Digests of the manifests of a type. */
export const ofType = ({ manifests }: RegistryContents, type: string): string[] =>
  [...manifests].flatMap(([digest, { artifactType }]) => (artifactType === type ? [digest] : [])).toSorted();

export async function namedBy(one: Case): Promise<Named> {
  const read = (file: string) => gitOf(one, "show", `release-records:records/demo/${file}`);
  const { targets } = parseManifest(await read("manifest.json"));
  const { subject } = unverifiedStatement("release.sigstore.json", await read("release.sigstore.json"));
  const tags = Object.entries(targets).map(([target, { oci }]): [string, string] => {
    if (oci === null) throw new Error(`${target} is not published`);
    return [oci.reference.slice(oci.reference.lastIndexOf(":") + 1), oci.digest];
  });
  return { tags: new Map(tags), files: new Set(subject.map(({ digest }) => `sha256:${digest.sha256}`)) };
}

/**
 * What stood in the registry when a release was killed is what its record names in the end: each tag, each artifact's
 * manifest, and each signature that a list names, which every one still does. So nothing of it was made anew.
 */
export function expectKept(left: RegistryContents, end: RegistryContents, named: Named): void {
  const digests = [...named.tags.values()];
  for (const [tag, digest] of left.tags) expect(digest, tag).toBe(named.tags.get(tag));
  for (const digest of ofType(left, ARTIFACT_TYPE.diskImage)) expect(digests).toContain(digest);
  for (const digest of ofType(left, ARTIFACT_TYPE.bootArtifact)) {
    for (const layer of left.manifests.get(digest)?.layers ?? []) expect([...named.files]).toContain(layer.digest);
  }
  // a disk image has its own signature and the platform's statement in it, which no file of the record is
  const inArtifacts = digests.flatMap((digest) => end.manifests.get(digest)?.layers ?? []);
  const signed = new Set([...named.files, ...inArtifacts.map((layer) => layer.digest)]);
  for (const [subject, listed] of left.referrers) {
    expect(end.referrers.get(subject)).toEqual(expect.arrayContaining([...listed]));
    for (const digest of listed) {
      const [bundle] = left.manifests.get(digest)?.layers ?? [];
      expect([...signed], `what ${digest} says of ${subject}`).toContain(bundle?.digest);
    }
  }
}

/**
 * Each target is there once: one artifact that the record names, under one tag that never pointed elsewhere; the files of
 * `reference`, a release of the same bytes, and no other's.
 */
export function expectOnce(end: RegistryContents, named: Named, reference: RegistryContents): void {
  expect(new Map(end.tags)).toEqual(new Map(named.tags));
  for (const [tag, digest] of end.tags) expect(end.tagged.get(tag), tag).toEqual([digest]);
  const images = ofType(end, ARTIFACT_TYPE.diskImage);
  const files = ofType(end, ARTIFACT_TYPE.bootArtifact);
  expect(images).toHaveLength(ofType(reference, ARTIFACT_TYPE.diskImage).length);
  expect(files).toEqual(ofType(reference, ARTIFACT_TYPE.bootArtifact)); // no signature is in them
  for (const digest of named.tags.values()) expect([...images, ...files]).toContain(digest);
  for (const digest of images) expect([...named.tags.values()]).toContain(digest);
  expectKept(end, end, named);
}

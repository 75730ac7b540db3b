import { canonicalJson, Digest, type Sha256Hex } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, type LockedPackage, type LockedSuite } from "../../builders/contract/lock.ts";
import { pinnedParts } from "./image.ts";
import { archiveOf, purlOf } from "./image-packages.ts";
import { genericPurl, ociPurl } from "./purl.ts";
import { type ReleaseFacts, sourceUri } from "./release-facts.ts";
import { lockFileName } from "./release-lock.ts";
import { releasePath } from "./release-folder.ts";
import { committedToolchainLock } from "./toolchain-locks.ts";

/** Something that a statement speaks of (in-toto attestation framework, spec/v1/resource_descriptor.md). */
export type ResourceDescriptor = {
  readonly name: string;
  readonly uri?: string;
  readonly digest?: Readonly<Record<string, string>>;
  readonly downloadLocation?: string;
  readonly mediaType?: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
};

/** A lock as the repository has it. */
export type LockFacts = {
  readonly lock: Lock;
  /** ID of its blob in git; null where it is not known */
  readonly gitBlob: string | null;
};

/** Everything that decided the bytes of one arch. */
export type DependencyFacts = {
  readonly release: ReleaseFacts;
  /** ID of the folder's tree at the spec's commit; null where it is not known */
  readonly specTree: string | null;
  readonly lock: LockFacts;
  readonly toolchain: LockFacts;
  /** spec.inputs.baseImage, `<name>@sha256:…`; null without */
  readonly baseImage: string | null;
  /** imgrel itself: its version, and the commit of its sources; null if they are not a clean checkout */
  readonly imgrel: { readonly version: string; readonly commit: string | null };
  /** image that the run was done in, `<repository>@sha256:…`; null: none, the toolchain's lock says it all */
  readonly builderImage: string | null;
  /**
   * Where everyone can have an archive's files, by `<archive>/<suite>`: the URL of the folder that holds dists/. Left
   * out where they came through this machine's own apt: no host is named then.
   */
  readonly locations: Readonly<Record<string, string>>;
};

const hexOf = (digest: Digest): Sha256Hex => digest.slice("sha256:".length);

/** A file below an archive's public address; nothing where it has none. */
const download = (facts: DependencyFacts, archive: string, suite: string, path: string) => {
  const base = facts.locations[`${archive}/${suite}`];
  return base === undefined ? {} : { downloadLocation: `${base.replace(/\/+$/, "")}/${path}` };
};

const indexEntry = (facts: DependencyFacts, locked: LockedSuite): ResourceDescriptor => ({
  name: `apt-index/${locked.archive}/${locked.suite}`,
  digest: { sha256: hexOf(locked.inRelease) },
  ...download(facts, locked.archive, locked.suite, `dists/${locked.suite}/InRelease`),
  annotations: { signedBy: locked.keyring, date: locked.date },
});

const debEntry = (facts: DependencyFacts, lock: Lock, locked: LockedPackage): ResourceDescriptor => ({
  name: "deb",
  uri: purlOf(lock, locked),
  digest: { sha256: locked.sha256 },
  ...download(facts, archiveOf(lock, locked), locked.suite, locked.path),
  annotations: { sizeBytes: locked.size, role: locked.role },
});

function lockEntry(facts: DependencyFacts, name: string, path: string, { lock, gitBlob }: LockFacts) {
  const blob = gitBlob === null ? {} : { gitBlob };
  const digest = { ...blob, sha256: hexOf(lockDigest(lock)) };
  return { name, uri: `${facts.release.repository}#${path}`, digest };
}

/** `<name>@sha256:…` without the registry that the class maps the name to. */
function imageEntry(pinned: string): ResourceDescriptor {
  const [name = "", digest] = pinned.split("@");
  const parsed = Digest.parse(digest);
  return { name: "base-image", uri: ociPurl(name, parsed), digest: { sha256: hexOf(parsed) } };
}

/** An image of ours, as a cluster pulled it. */
export function pinnedImage(name: string, pinned: string): ResourceDescriptor {
  const { repository, digest } = pinnedParts(pinned);
  return { name, uri: `oci://${repository}`, digest: { sha256: hexOf(digest) } };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** By name and URI; what has both in common, such as a package of target and toolchain alike, by all the rest. */
const byNameAndUri = (a: ResourceDescriptor, b: ResourceDescriptor): number =>
  byText(a.name, b.name) || byText(a.uri ?? "", b.uri ?? "") || byText(canonicalJson(a), canonicalJson(b));

/**
 * What a run was made from, sorted by name and URI. With `debs: false` each lock stands for its packages: its digest
 * commits to them, and `annotations.debCount` says how many they are.
 */
export function resolvedDependencies(
  facts: DependencyFacts,
  { debs }: { readonly debs: boolean },
): ResourceDescriptor[] {
  const { release, specTree, lock, toolchain, baseImage, imgrel, builderImage } = facts;
  const { arch } = lock.lock;
  const tree = specTree === null ? {} : { gitTree: specTree };
  const suites = new Map([...lock.lock.suites, ...toolchain.lock.suites].map((one) => [one.inRelease, one]));
  const locks: readonly (readonly [name: string, path: string, one: LockFacts])[] = [
    ["lock", `${releasePath(release.name)}/${lockFileName(arch)}`, lock],
    ["toolchain-lock", committedToolchainLock(arch), toolchain],
  ];
  const packages = locks.flatMap(([, , one]) => one.lock.packages.map((locked) => debEntry(facts, one.lock, locked)));
  const entries: ResourceDescriptor[] = [
    { name: "spec", uri: sourceUri(release), digest: { gitCommit: release.specCommit, ...tree } },
    {
      name: "imgrel",
      uri: genericPurl("imgrel", imgrel.version),
      ...(imgrel.commit === null ? {} : { digest: { gitCommit: imgrel.commit } }),
    },
    ...(baseImage === null ? [] : [imageEntry(baseImage)]),
    ...(builderImage === null ? [] : [pinnedImage("builder-image", builderImage)]),
    ...locks.map(([name, path, one]) => ({
      ...lockEntry(facts, name, path, one),
      ...(debs ? {} : { annotations: { debCount: one.lock.packages.length } }),
    })),
    ...[...suites.values()].map((one) => indexEntry(facts, one)),
    ...(debs ? packages : []),
  ];
  return entries.toSorted(byNameAndUri);
}

import type { Digest } from "../../builders/contract/digest.ts";
import { lockDigest } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { API_VERSION, type DiskImageRelease } from "./release.ts";
import { RELEASE_FILE, releaseDigest, type ReleaseFolder } from "./release-folder.ts";

const GROUP = "releases.powernode.io";

/** What the controller marks its objects with. */
export const LABELS = {
  /** the DiskImageReleaseSource that an object comes from */
  source: `${GROUP}/source`,
  /** `true`: its file is no longer on the branch; nothing of it is taken back */
  orphaned: `${GROUP}/orphaned`,
} as const;

/** Where an object's content stands in git; the source sync writes it, the controller checks it (release-api.md 1.1). */
export type SourceOfRelease = {
  readonly repository: string;
  /** 40 or 64 hex digits: the last commit that touched the folder */
  readonly commit: string;
  /** of release.yaml, from the repository's root */
  readonly path: string;
  readonly specDigest: Digest;
  readonly lock: Readonly<Partial<Record<Arch, Digest>>>;
};

/** A DiskImageRelease as the source sync applies it. */
export type ReleaseObject = {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "DiskImageRelease";
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: DiskImageRelease["spec"] & { readonly source: SourceOfRelease };
};

/** An object as events name it. */
export const releaseSubject = (of: { readonly namespace: string; readonly name: string; readonly uid: string }) => ({
  ...{ apiVersion: API_VERSION, kind: "DiskImageRelease" },
  ...{ namespace: of.namespace, name: of.name, uid: of.uid },
});

/** The source's side of an object. */
export type SourceFacts = {
  /** metadata.name and metadata.namespace of the source */
  readonly name: string;
  readonly namespace: string;
  /** as statements name the repository: without credentials */
  readonly repository: string;
  /** folder of the repository that holds one folder per release */
  readonly path: string;
};

/** A release's folder as an object tells of it: locks, which are long, only by their digests. */
export type FolderContent = {
  readonly name: string;
  readonly release: DiskImageRelease;
  readonly specDigest: Digest;
  readonly locks: SourceOfRelease["lock"];
};

export const folderContent = (folder: ReleaseFolder): FolderContent => ({
  ...{ name: folder.name, release: folder.release, specDigest: releaseDigest(folder) },
  locks: Object.fromEntries([...folder.locks].map(([arch, lock]) => [arch, lockDigest(lock)])),
});

/** The object of a release's folder as `commit` left it. */
export function releaseObject(source: SourceFacts, folder: FolderContent, commit: string): ReleaseObject {
  const { name, release, specDigest, locks } = folder;
  return {
    apiVersion: API_VERSION,
    kind: "DiskImageRelease",
    metadata: {
      name,
      namespace: source.namespace,
      labels: { [LABELS.source]: source.name },
    },
    spec: {
      ...release.spec,
      source: {
        ...{ repository: source.repository, commit, path: `${source.path}/${name}/${RELEASE_FILE}` },
        ...{ specDigest, lock: locks },
      },
    },
  };
}

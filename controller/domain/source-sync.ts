import type { Digest } from "../../builders/contract/digest.ts";
import { type FolderContent, releaseObject, type ReleaseObject, type SourceFacts } from "./release-object.ts";

/** One folder below a source's path. */
export type SpecFolder =
  | {
      readonly kind: "valid";
      readonly folder: FolderContent;
      /** the last commit that touched it */
      readonly commit: string;
      /** why that commit is not one that the source takes; null: it is, or the source takes all */
      readonly refused: string | null;
    }
  /** it has the content of the object that was made of it */
  | { readonly kind: "same"; readonly name: string }
  /** it cannot be read as a release */
  | { readonly kind: "invalid"; readonly name: string; readonly message: string };

/** A DiskImageRelease that the cluster has. */
export type KnownRelease = {
  readonly name: string;
  /** the source that it comes from; null: from none */
  readonly source: string | null;
  /** of spec.source; null: it has none */
  readonly specDigest: Digest | null;
  readonly version: string;
  readonly commit: string | null;
  readonly platforms: readonly string[];
  readonly orphaned: boolean;
};

/** Why a folder did not become an object; the reason is one of Admitted (release-api.md 3.3). */
export type SyncReason =
  | "SpecInvalid"
  | "ClassNotAllowed"
  | "SignatureInvalid"
  | "VersionReused"
  | "NotFromGit"
  | "PlatformCommitReused";

/** One mistake in a source's branch, for its status. `name`: of the folder. */
export type SyncProblem = { readonly name: string; readonly reason: SyncReason; readonly message: string };

export type SyncPlan = {
  /** objects to create, in the order of their names */
  readonly apply: readonly ReleaseObject[];
  /** names of objects whose folder came or went: what their label {@link LABELS}.orphaned is to be */
  readonly orphaned: ReadonlyMap<string, boolean>;
  readonly problems: readonly SyncProblem[];
};

const SEPARATELY = "merge them separately: the platform takes one image per platform and commit";

/** Which folder each platform of a commit belongs to, objects that are there already first. */
function platformOwners(known: readonly KnownRelease[]): Map<string, string> {
  return new Map(
    known.flatMap(({ name, commit, platforms }) =>
      commit === null ? [] : platforms.map((platform) => [`${platform} ${commit}`, name] as const),
    ),
  );
}

const platformsOf = ({ release }: FolderContent): string[] =>
  release.spec.targets.flatMap(({ platformName }) => (platformName === undefined ? [] : [platformName]));

/** What is wrong with an object of that name that has other content. */
function clash(known: KnownRelease, { name, release }: FolderContent, source: string): SyncProblem {
  if (known.source !== source) {
    const owner = known.source === null ? "was not made from git" : `comes from the source ${known.source}`;
    return { name, reason: "NotFromGit", message: `the object ${name} ${owner}; give this release another name` };
  }
  const { version } = release.spec;
  const what =
    version === known.version
      ? `version ${version} has other content than before`
      : `${name} was version ${known.version}, and is ${version} now`;
  const remedy = "a release never changes: put it into a folder of its own, with a version of its own";
  return { name, reason: "VersionReused", message: `${what}; ${remedy}` };
}

/**
 * What a source's branch asks of the cluster (release-api.md 1.1). An object with the same content is left alone, one
 * with other content is never changed, and a folder that is gone takes nothing back.
 * @param known all releases of the namespace
 */
export function decideSync(
  source: SourceFacts & { readonly allowedClasses: readonly string[] },
  folders: readonly SpecFolder[],
  known: readonly KnownRelease[],
): SyncPlan {
  const byName = new Map(known.map((one) => [one.name, one]));
  const owners = platformOwners(known.filter((one) => one.source === source.name));
  const apply: ReleaseObject[] = [];
  const problems: SyncProblem[] = [];
  const orphaned = new Map<string, boolean>();
  const present = new Set<string>();
  const nameOf = (one: SpecFolder) => (one.kind === "valid" ? one.folder.name : one.name);

  for (const one of folders.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    const name = nameOf(one);
    present.add(name);
    const before = byName.get(name);
    if (before?.source === source.name && before.orphaned) orphaned.set(name, false);
    if (one.kind === "same") continue;
    if (one.kind === "invalid") {
      problems.push({ name, reason: "SpecInvalid", message: one.message });
      continue;
    }
    const { folder, commit, refused } = one;
    if (before !== undefined) {
      const same = before.source === source.name && before.specDigest === folder.specDigest;
      if (!same) problems.push(clash(before, folder, source.name));
      continue;
    }
    const { className } = folder.release.spec;
    if (!source.allowedClasses.includes(className)) {
      const message = `class ${className} is not one that this source may use: ${source.allowedClasses.join(", ")}`;
      problems.push({ name, reason: "ClassNotAllowed", message });
      continue;
    }
    if (refused !== null) {
      problems.push({ name, reason: "SignatureInvalid", message: `commit ${commit}: ${refused}` });
      continue;
    }
    const taken = platformsOf(folder).find((platform) => owners.has(`${platform} ${commit}`));
    if (taken !== undefined) {
      const message = `platform ${taken} of commit ${commit} is ${owners.get(`${taken} ${commit}`)}'s; ${SEPARATELY}`;
      problems.push({ name, reason: "PlatformCommitReused", message });
      continue;
    }
    for (const platform of platformsOf(folder)) owners.set(`${platform} ${commit}`, name);
    apply.push(releaseObject(source, folder, commit));
  }
  for (const { name, source: owner, orphaned: already } of known) {
    if (owner === source.name && !present.has(name) && !already) orphaned.set(name, true);
  }
  return { apply, orphaned, problems };
}

import { ReleaseError } from "../domain/errors.ts";
import { readReleaseFolder, type ReleaseFolder, releaseDigest } from "../domain/release-folder.ts";
import type { SourceFacts } from "../domain/release-object.ts";
import { decideSync, type KnownRelease, type SpecFolder, type SyncPlan } from "../domain/source-sync.ts";
import type { CommitVerifier } from "../ports/commit-verifier.ts";
import type { ReleaseStore } from "../ports/release-store.ts";
import type { SpecRepository, SpecTree } from "../ports/spec-repository.ts";

export type SyncPorts = {
  readonly specs: Pick<SpecRepository, "tip">;
  readonly commits: CommitVerifier;
  readonly releases: ReleaseStore;
};

export type FollowedSource = SourceFacts & {
  readonly allowedClasses: readonly string[];
  /** text of an allowed_signers file, if the author of a spec must have signed; null: every commit is taken */
  readonly allowedSigners: string | null;
};

/** What came of one look at a source's branch. */
export type SyncOutcome = Omit<SyncPlan, "apply" | "problems"> & {
  /** of the branch; null: nothing was committed yet */
  readonly commit: string | null;
  /** names of the objects that were created */
  readonly created: readonly string[];
  readonly problems: readonly { readonly name: string; readonly reason: string; readonly message: string }[];
};

/** Why a commit is not one that a source takes; null if it is. */
async function refusal(commits: CommitVerifier, commit: string, allowedSigners: string | null): Promise<string | null> {
  if (allowedSigners === null) return null;
  const signature = await commits.signatureOf(commit, allowedSigners);
  return signature.good ? null : signature.why;
}

const isFolderFault = (error: unknown): error is ReleaseError =>
  error instanceof ReleaseError && ["SpecInvalid", "StaleLock", "NotFound", "InputMissing"].includes(error.code);

/** One folder of the branch. History and signature are asked for only where an object is to be made of it. */
async function readFolder(
  ports: SyncPorts,
  source: FollowedSource,
  tip: SpecTree,
  name: string,
  known: ReadonlyMap<string, KnownRelease>,
): Promise<SpecFolder> {
  const place = `${source.path}/${name}`;
  let folder: ReleaseFolder;
  try {
    folder = readReleaseFolder(name, place, await tip.readDirectory(place));
  } catch (error) {
    if (isFolderFault(error)) return { kind: "invalid", name, message: `${error.message} (${error.remedy})` };
    throw error;
  }
  const before = known.get(name);
  if (before !== undefined) {
    const same = before.specDigest === releaseDigest(folder);
    return { kind: "valid", folder, commit: same ? (before.commit ?? "") : "", refused: null };
  }
  const commit = await tip.lastCommitOf(place);
  if (commit === null) throw new RangeError(`no commit touched ${place}`);
  return { kind: "valid", folder, commit, refused: await refusal(ports.commits, commit, source.allowedSigners) };
}

/**
 * Looks at a source's branch once, and makes the objects that it asks for. Doing it again changes nothing.
 * @throws ReleaseError of the repository and of the cluster; what is wrong with a single folder is in the outcome
 */
export async function syncSource(ports: SyncPorts, source: FollowedSource, signal: AbortSignal): Promise<SyncOutcome> {
  const tip = await ports.specs.tip();
  const known = await ports.releases.known();
  const byName = new Map(known.map((one) => [one.name, one]));
  const folders: SpecFolder[] = [];
  for (const { name, kind } of await tip.list(source.path)) {
    signal.throwIfAborted();
    if (kind === "directory") folders.push(await readFolder(ports, source, tip, name, byName));
  }
  const { apply, orphaned, problems } = decideSync(source, folders, known);
  const refused: SyncOutcome["problems"][number][] = [...problems];
  const created: string[] = [];
  for (const object of apply) {
    const { name } = object.metadata;
    try {
      await ports.releases.apply(object, signal);
      created.push(name);
    } catch (error) {
      // the cluster's rules are ours, written twice: where they differ, one folder is wrong and the others are not
      if (!(error instanceof ReleaseError && error.code === "SpecInvalid")) throw error;
      refused.push({ name, reason: error.code, message: error.message });
    }
  }
  for (const [name, gone] of orphaned) await ports.releases.markOrphaned(name, gone, signal);
  return { commit: tip.commit, created, orphaned, problems: refused };
}

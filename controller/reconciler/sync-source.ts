import { ReleaseError } from "../domain/errors.ts";
import { readReleaseFolder } from "../domain/release-folder.ts";
import { type FolderContent, folderContent, type SourceFacts } from "../domain/release-object.ts";
import { decideSync, type KnownRelease, type SpecFolder, type SyncPlan } from "../domain/source-sync.ts";
import type { CommitVerifier } from "../ports/commit-verifier.ts";
import type { ReleaseStore } from "../ports/release-store.ts";
import type { SpecEntry, SpecRepository, SpecTree } from "../ports/spec-repository.ts";

export type SyncPorts = {
  readonly specs: Pick<SpecRepository, "tip">;
  readonly commits: CommitVerifier;
  readonly releases: ReleaseStore;
  /** what earlier looks read; this one adds to it */
  readonly read: ReadFolders;
};

/**
 * Folders that were read before, by name: which content an object was made of, and the digest that it has. A branch with
 * thousands of releases is looked at every minute, and hardly any of them is new.
 */
export type ReadFolders = Map<string, { readonly id: string; readonly specDigest: string }>;

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

/** Folders that are read at the same time: each waits for git most of the time. */
const AT_ONCE = 8;

const isFolderFault = (error: unknown): error is ReleaseError =>
  error instanceof ReleaseError && ["SpecInvalid", "StaleLock", "NotFound", "InputMissing"].includes(error.code);

/** One folder of the branch. History and signature are asked for only where an object is to be made of it. */
async function readFolder(
  ports: SyncPorts,
  source: FollowedSource,
  tip: SpecTree,
  { name, id }: SpecEntry,
  known: ReadonlyMap<string, KnownRelease>,
): Promise<SpecFolder> {
  const place = `${source.path}/${name}`;
  const before = known.get(name);
  const last = ports.read.get(name);
  if (last?.id === id && before?.source === source.name && before.specDigest === last.specDigest) {
    return { kind: "same", name };
  }
  let folder: FolderContent;
  try {
    folder = folderContent(readReleaseFolder(name, place, await tip.readDirectory(place)));
    ports.read.set(name, { id, specDigest: folder.specDigest });
  } catch (error) {
    if (isFolderFault(error)) return { kind: "invalid", name, message: `${error.message} (${error.remedy})` };
    throw error;
  }
  if (before !== undefined) {
    const same = before.specDigest === folder.specDigest;
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
  const entries = (await tip.list(source.path)).filter(({ kind }) => kind === "directory");
  for (let from = 0; from < entries.length; from += AT_ONCE) {
    signal.throwIfAborted();
    const some = entries.slice(from, from + AT_ONCE);
    folders.push(...(await Promise.all(some.map((entry) => readFolder(ports, source, tip, entry, byName)))));
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

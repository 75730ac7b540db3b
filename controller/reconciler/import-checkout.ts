import { formatCommitMessage } from "../domain/commit-message.ts";
import { decideImport, type ImportSubject } from "../domain/import.ts";
import { readReleaseFolder, releaseDigest, releasePath } from "../domain/release-folder.ts";
import type { SpecFiles } from "../domain/spec-files.ts";
import type { SpecRepository, SpecTree } from "../ports/spec-repository.ts";

/** What a checkout offers the local process's repository. */
export type Checkout = {
  /** name of the release; `files` is what its folder holds */
  readonly release: string;
  readonly files: SpecFiles;
  /** locks of toolchains, by their path in the repository (`committedToolchainLock`) */
  readonly toolchainLocks: SpecFiles;
};

export type Imported = {
  /** the tip; it holds the release */
  readonly commit: string;
  /** paths that were taken from the checkout; empty: the repository knew them all */
  readonly paths: readonly string[];
};

async function subjects(tip: SpecTree, { release, files, toolchainLocks }: Checkout): Promise<ImportSubject[]> {
  const path = releasePath(release);
  const found: ImportSubject[] = [
    { path, checkout: files, known: await tip.everHeld(path, files), tip: await tip.readDirectory(path) },
  ];
  for (const [lockPath, content] of toolchainLocks) {
    const known = await tip.everHeld(lockPath, content);
    found.push({ path: lockPath, checkout: content, known, tip: new Map() });
  }
  return found;
}

/**
 * Takes a checkout's release and toolchain locks into the repository, in one commit, as far as the repository never
 * held them.
 * @throws ReleaseError SpecInvalid, StaleLock, NotFound for a release that may not be committed; PushConflict
 */
export async function importCheckout(repository: SpecRepository, checkout: Checkout): Promise<Imported> {
  const folder = readReleaseFolder(checkout.release, releasePath(checkout.release), checkout.files);
  let paths: string[] = [];
  const { commit } = await repository.commit(async (tip) => {
    const imports = (await subjects(tip, checkout)).map((subject) => ({ subject, changes: decideImport(subject) }));
    const taken = imports.filter(({ changes }) => changes.length > 0);
    paths = taken.map(({ subject }) => subject.path);
    if (paths.length === 0) return null;
    const message = formatCommitMessage({
      subject: `Import ${paths.join(", ")} from the checkout`,
      paragraphs: [],
      trailers: paths.includes(releasePath(folder.name))
        ? [
            ["Release", folder.name],
            ["Spec-Digest", releaseDigest(folder)],
          ]
        : [],
    });
    return { changes: taken.flatMap(({ changes }) => changes), message };
  });
  if (commit === null) throw new Error("a repository that holds a release has a commit");
  return { commit, paths };
}

import type { FileChange, SpecFiles } from "../domain/spec-files.ts";

/** What one name in a folder is. Anything else, such as a symbolic link, is an error of the repository. */
export type SpecEntry = {
  readonly name: string;
  readonly kind: "file" | "directory";
  /** the same for the same content, in whichever commit; another one for any other */
  readonly id: string;
};

/**
 * A repository as one commit left it: all answers are about that commit and the history behind it, whatever is
 * committed meanwhile. Paths are relative to the repository's root.
 *
 * Every function throws ReleaseError SpecInvalid for a path that climbs out or a name that a spec may not have, and
 * RepositoryUnusable if the repository cannot be read.
 */
export type SpecTree = {
  /** the commit (40 or 64 hex digits); null: nothing was committed yet */
  readonly commit: string | null;
  /** a file's bytes; null: there is no such file */
  readonly readFile: (path: string) => Promise<Uint8Array | null>;
  /** the names in a folder, sorted; empty if there is no such folder */
  readonly list: (directory: string) => Promise<readonly SpecEntry[]>;
  /** all files below a folder, by path below it; empty if there is no such folder */
  readonly readDirectory: (directory: string) => Promise<SpecFiles>;
  /** names what stands at a path: the same for the same content, another one for any other; null: nothing is there */
  readonly idOf: (path: string) => Promise<string | null>;
  /** the last commit that touched a file or folder, removal included; null: none did (release-api.md 1.1) */
  readonly lastCommitOf: (path: string) => Promise<string | null>;
  /** whether a commit held exactly this content at `path`: bytes for a file, files for a folder and all below it */
  readonly everHeld: (path: string, content: Uint8Array | SpecFiles) => Promise<boolean>;
  /** each different content that a file had, in no particular order */
  readonly everyContentOf: (path: string) => Promise<readonly Uint8Array[]>;
};

/** What to commit on top of a tree. `changes` name each path once. */
export type Proposal = { readonly changes: readonly FileChange[]; readonly message: string };

export type CommitOutcome = {
  /** the new commit, or the tip that already had it all; null: there is still no commit */
  readonly commit: string | null;
  /** false: nothing had to change */
  readonly changed: boolean;
};

/** One branch that holds specs and locks. */
export type SpecRepository = {
  readonly tip: () => Promise<SpecTree>;
  /**
   * Commits what `propose` makes of the tip; null from it, or changes that the tip already has, commit nothing. If
   * another writer moved the branch meanwhile, `propose` is asked again about the new tip: nothing of either is lost.
   * @throws ReleaseError PushConflict if other writers won every attempt; whatever `propose` throws
   */
  readonly commit: (propose: (tip: SpecTree) => Promise<Proposal | null>) => Promise<CommitOutcome>;
};

import type { FileChange } from "../domain/spec-files.ts";
import type { RecordPart } from "../domain/record-commit.ts";
import type { CommitOutcome, SpecTree } from "./spec-repository.ts";

/** The records as an entry sees them; entries before it may be part of them without being committed yet. */
export type RecordTree = Omit<SpecTree, "list" | "idOf">;

/** What one release adds to the records. */
export type RecordEntry = RecordPart & {
  /**
   * The files to change on top of a tree: the release's own and the index (record-rules.ts). Asked again when another
   * writer was faster. Entries that waited together share a commit: files of the earlier ones are in the tree then,
   * while `commit` and history are those of the tip.
   */
  readonly propose: (tip: RecordTree) => Promise<readonly FileChange[]>;
};

/** The branch that holds records (release-api.md 1.2). It only grows. */
export type RecordRepository = {
  /**
   * The records as they are now.
   * @throws ReleaseError RecordInvalid if commits that were seen before are no longer on the branch
   */
  readonly tip: () => Promise<SpecTree>;
  /**
   * Commits an entry, after those that came before it; several that wait are committed together. What is there already
   * is not committed again: the tip is the outcome if it has all the files, and the commit that carries this release's
   * idempotency key, if one does and the release still has a record, whatever its files are.
   * @throws ReleaseError RecordInvalid for a change that records do not allow, and as `tip`; PushConflict if other
   * writers won every attempt; PushDeclined if the repository's owner does not let us; RepositoryUnavailable; whatever
   * `propose` throws
   */
  readonly commit: (entry: RecordEntry) => Promise<CommitOutcome>;
};

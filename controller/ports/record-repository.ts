import type { RecordTrailers } from "../domain/record-commit.ts";
import type { FileChange } from "../domain/spec-files.ts";
import type { CommitOutcome, SpecTree } from "./spec-repository.ts";

/** One release's part of a commit. */
export type RecordEntry = RecordTrailers & {
  /** the commit's first line, where it records nothing else */
  readonly summary: string;
  /** what to change on top of a tip; none: it has it all. Asked again whenever the branch moved */
  readonly propose: (tip: SpecTree) => Promise<readonly FileChange[]>;
};

/** The branch of records: append-only, one writer at a time, signed commits (release-api.md 1.2, 1.3). */
export type RecordRepository = {
  readonly tip: () => Promise<SpecTree>;
  /**
   * Commits a release's files. Changes that the tip already has, or a commit with the same idempotency key in its
   * history, commit nothing.
   * @throws ReleaseError RecordInvalid for a change of what is recorded; PushConflict, PushDeclined; what `propose` throws
   */
  readonly record: (entry: RecordEntry) => Promise<CommitOutcome>;
};

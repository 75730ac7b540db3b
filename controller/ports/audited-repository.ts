import type { CommitVerifier } from "./commit-verifier.ts";
import type { SpecTree } from "./spec-repository.ts";

/** A repository that is judged, as it is now: only read, and nothing of it is believed. */
export type AuditedRepository = CommitVerifier & {
  /** the tip of the branch of specs */
  readonly specs: SpecTree;
  /** the tip of the branch of records */
  readonly records: SpecTree;
  /**
   * The specs as a commit left them; null if the tip of their branch does not descend from it.
   * @throws ReleaseError as SpecTree
   */
  readonly specsAt: (commit: string) => Promise<SpecTree | null>;
};

import type { SpecRepository } from "../../ports/spec-repository.ts";
import { openBareRepository } from "./bare-repository.ts";
import { openBranch } from "./branch.ts";
import { localPlace } from "./places.ts";
import type { Author } from "./write-commit.ts";

export type SpecRepositoryOptions = {
  /** absolute path of the bare repository; made on first use */
  readonly directory: string;
  readonly branch: string;
  /** author and committer of what is committed */
  readonly author: Author;
  /** pause before the n-th retry, in ms; the default is random, so that writers get out of each other's way */
  readonly pause?: (retry: number) => number;
};

/**
 * A bare git repository as {@link SpecRepository}, written by plumbing: no work tree, no hook, no configuration of the
 * user.
 * @throws ReleaseError RepositoryUnusable, ToolMissing if there is no git
 */
export async function openSpecRepository(options: SpecRepositoryOptions): Promise<SpecRepository> {
  const { directory, branch, author, pause } = options;
  const git = await openBareRepository(directory, branch);
  const place = localPlace(git, directory, branch);
  return openBranch({ git, place, committer: { author }, ...(pause === undefined ? {} : { pause }) });
}

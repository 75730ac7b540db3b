import { existsSync } from "node:fs";
import { join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import type { AuditedRepository } from "../../ports/audited-repository.ts";
import { refTip } from "./bare-repository.ts";
import { readSignature } from "./commit-signature.ts";
import { gitOn, type GitOptions } from "./git.ts";
import { treeAt, treesInHistory } from "./tree.ts";

/**
 * The repository's own settings count for little: it may not make git fetch what is missing, which runs what it names as
 * transport, and neither grafts nor a commit-graph of its own say who descends from whom (git(1), gitglossary(7) "grafts").
 */
const DISTRUSTED: Pick<GitOptions, "env" | "config"> = {
  env: { GIT_ALLOW_PROTOCOL: "none", GIT_GRAFT_FILE: "/dev/null" },
  config: ["core.commitGraph=false", "advice.graftFileDeprecated=false"],
};

/**
 * Opens a repository for judgement; nothing in it changes, and no network is used.
 * @param directory absolute path of a git directory
 * @throws ReleaseError NotFound if there is none; RepositoryUnusable, ToolMissing
 */
export async function openAuditedRepository(
  directory: string,
  branches: { readonly specs: string; readonly records: string },
): Promise<AuditedRepository> {
  if (!existsSync(join(directory, "HEAD"))) {
    throw new ReleaseError("NotFound", `${directory} is no bare git repository`, "name one with --repo");
  }
  const git = gitOn(directory, DISTRUSTED);
  await git.run(["rev-parse", "--git-dir"]); // says why if it is no repository
  const [specs, records] = [
    await refTip(git, `refs/heads/${branches.specs}`),
    await refTip(git, `refs/heads/${branches.records}`),
  ];
  const treeInHistory = treesInHistory(git);
  return {
    specs: treeAt(git, specs),
    records: treeAt(git, records),
    signatureOf: (commit, allowedSigners) => readSignature(git, commit, allowedSigners),
    specsAt: (commit) => treeInHistory(specs, commit),
  };
}

import { ReleaseError } from "../../domain/errors.ts";
import { moveRef, refTip } from "./bare-repository.ts";
import type { BranchPlace } from "./branch.ts";
import { type Git, saidBy } from "./git.ts";

/** A branch of the repository itself. */
export const localPlace = (git: Git, directory: string, branch: string): BranchPlace => {
  const ref = `refs/heads/${branch}`;
  return {
    name: `${branch} of ${directory}`,
    remedy: `try again; if no other git runs there, a crash left a lock: remove ${directory}/${ref}.lock`,
    tip: () => refTip(git, ref),
    move: (to, from) => moveRef(git, ref, to, from),
  };
};

/** git's words for a branch that moved meanwhile, or is being moved right now (push in builtin/receive-pack.c). */
const RACED =
  /non-fast-forward|fetch first|cannot lock ref|failed to update ref|incorrect old value|reference already exists/;
/** A hook or a rule of the server said no. */
const DECLINED = /hook declined|protected branch|remote rejected|denied|not allowed to push/i;

/**
 * A branch of another repository, mirrored in `git`: what it holds is fetched, commits are pushed, never forced.
 * @param address URL or path; no secret stands in it
 */
export const remotePlace = (git: Git, address: string, branch: string): BranchPlace => {
  const name = `${branch} of ${address}`;
  const ref = `refs/heads/${branch}`;
  const mirror = `refs/mirror/${branch}`;
  const reach = async (args: readonly string[]): Promise<string> => {
    try {
      return await git.run(args);
    } catch (error) {
      if (saidBy(error) === undefined) throw error;
      const [first = ""] = (saidBy(error) ?? "").split("\n");
      const remedy = "check the address, the network and the right to read; then run it again";
      throw new ReleaseError("RepositoryUnreachable", `cannot read ${name}: ${first}`, remedy, { cause: error });
    }
  };
  return {
    name,
    remedy: "try again when fewer others write to it",
    tip: async () => {
      const [commit = ""] = (await reach(["ls-remote", address, ref])).split("\t");
      if (commit === "") return null;
      await reach(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", address, `+${ref}:${mirror}`]);
      return refTip(git, mirror);
    },
    move: async (to, from) => {
      try {
        // the lease holds the server to what was read: a branch that went back and forth is no fast-forward either
        await git.run(["push", "--quiet", `--force-with-lease=${ref}:${from ?? ""}`, address, `${to}:${ref}`]);
        return true;
      } catch (error) {
        const said = saidBy(error);
        if (said === undefined) throw error;
        if (RACED.test(said) || /stale info/.test(said)) return false;
        const lines = said.split("\n").slice(0, 5).join("\n  ");
        if (DECLINED.test(said)) {
          const remedy = "give imgrel's key the right to push there, or write records to another branch";
          throw new ReleaseError("PushDeclined", `${name} does not take the commit:\n  ${lines}`, remedy, {
            cause: error,
          });
        }
        const remedy = "check the address, the network and the right to write; then run it again";
        throw new ReleaseError("RepositoryUnreachable", `cannot push to ${name}:\n  ${lines}`, remedy, {
          cause: error,
        });
      }
    },
  };
};

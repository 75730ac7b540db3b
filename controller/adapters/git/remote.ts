import { type Git, saidBy } from "./git.ts";
import type { ObjectFormat } from "./object-id.ts";
import type { RemoteAccess } from "./remote-access.ts";
import { pushFault, remoteFault } from "./remote-answer.ts";

/**
 * A repository that others write too. Functions throw ReleaseError RepositoryUnavailable (worth a retry), Unauthorized
 * or RepositoryUnusable.
 */
export type Remote = {
  /** The commit that a full ref points to there, or null. */
  readonly list: (ref: string) => Promise<string | null>;
  /** Brings a ref of it and all that it leads to into the repository of `git`, there as the ref `to`. */
  readonly fetch: (ref: string, to: string) => Promise<void>;
  /**
   * Makes a ref point to a commit of the repository of `git`, if that is a fast-forward.
   * @returns false if another writer moved the ref, or holds it right now
   * @throws ReleaseError PushDeclined as well
   */
  readonly push: (commit: string, ref: string) => Promise<boolean>;
};

/** Runs git on a remote repository: its output, or what it said when it failed. */
async function attempt(
  git: Git,
  args: readonly string[],
  access: RemoteAccess,
): Promise<{ readonly output: string } | { readonly said: string }> {
  try {
    return { output: await git.run(args, access) };
  } catch (error) {
    const said = saidBy(error);
    if (said === undefined) throw error;
    return { said };
  }
}

async function run(git: Git, args: readonly string[], address: string, access: RemoteAccess): Promise<string> {
  const result = await attempt(git, args, access);
  if ("said" in result) throw remoteFault(address, result.said);
  return result.output;
}

/** The hash of a remote repository's objects; an empty one counts as SHA-1. Throws as {@link Remote}. */
export async function objectFormatAt(git: Git, address: string, access: RemoteAccess): Promise<ObjectFormat> {
  const listed = await run(git, ["ls-remote", address], address, access);
  return /^[0-9a-f]{64}\t/.test(listed) ? "sha256" : "sha1";
}

/** The repository at `address`, a URL or an absolute path, seen from the repository of `git`. */
export function remoteAt(git: Git, address: string, access: RemoteAccess): Remote {
  return {
    list: async (ref) => {
      const listed = await run(git, ["ls-remote", address, ref], address, access);
      // git also lists refs that merely end like it
      const line = listed.split("\n").find((line) => line.endsWith(`\t${ref}`));
      return line?.split("\t")[0] ?? null;
    },
    fetch: async (ref, to) => {
      const options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules"];
      await run(git, ["fetch", ...options, address, `+${ref}:${to}`], address, access);
    },
    push: async (commit, ref) => {
      const result = await attempt(git, ["push", "--quiet", address, `${commit}:${ref}`], access);
      if ("output" in result) return true;
      const answer = pushFault(address, result.said);
      if (answer === "overtaken") return false;
      throw answer;
    },
  };
}

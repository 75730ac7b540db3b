import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { gitOn } from "../controller/adapters/git/git.ts";
import {
  openRepositoryAt,
  type OpenRepository,
  type RepositoryOptions,
  type RepositoryPlace,
} from "../controller/adapters/git/repository-at.ts";

/** How tests open repositories: writers wait 5 ms for each other, and nothing is signed. */
export const REPOSITORY_OPTIONS: RepositoryOptions = {
  specBranch: "main",
  recordsBranch: "release-records",
  committer: { author: { name: "imgrel", email: "imgrel@localhost" } },
  pause: () => 5,
};

/** Who commits what a test makes by hand. */
export const IDENTITY = {
  GIT_AUTHOR_NAME: "someone",
  GIT_AUTHOR_EMAIL: "someone@localhost",
  GIT_COMMITTER_NAME: "someone",
  GIT_COMMITTER_EMAIL: "someone@localhost",
};

/** A bare repository of our own in `directory`. */
export const openOwn = (directory: string, options: Partial<RepositoryOptions> = {}): Promise<OpenRepository> =>
  openRepositoryAt({ kind: "own", directory }, { ...REPOSITORY_OPTIONS, ...options });

/** A repository of others, mirrored below `mirrors`. */
export const openRemote = (
  location: string,
  mirrors: string,
  place: Partial<RepositoryPlace & { kind: "remote" }> = {},
  options: Partial<RepositoryOptions> = {},
): Promise<OpenRepository> =>
  openRepositoryAt(
    { kind: "remote", location, cwd: "/", allowHttp: false, mirrors, ...place },
    { ...REPOSITORY_OPTIONS, ...options },
  );

/** Makes the bare repository of others, without a commit. */
export async function makeRemote(directory: string): Promise<string> {
  await gitOn(null).run(["init", "--quiet", "--bare", directory]);
  return directory;
}

/** Messages of the commits on a branch, oldest first. */
export async function messagesOf(directory: string, branch = REPOSITORY_OPTIONS.recordsBranch): Promise<string[]> {
  const log = await gitOn(directory).run(["log", "-z", "--reverse", "--format=%B", branch]);
  return log.split("\0").slice(0, -1); // each ends in a NUL
}

/** Takes one object out of a repository, as damage to a disk does. */
export async function loseObject(directory: string, id: string): Promise<void> {
  const folder = join(directory, "objects/pack");
  const packs = (await readdir(folder)).filter((name) => name.endsWith(".pack"));
  const contents = await Promise.all(packs.map((name) => readFile(join(folder, name))));
  await rm(folder, { recursive: true }); // git unpacks only what is not there
  for (const input of contents) await gitOn(directory).run(["unpack-objects", "-q"], { input });
  await rm(join(directory, "objects", id.slice(0, 2), id.slice(2)));
}

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { type DockerRegistry, startDockerRegistry } from "../docker-registry.ts";
import { PROJECT } from "../imgrel.ts";
import { toolchainRoot } from "../toolbox.ts";
import { contentsOf, copyRepositories, type RegistryContents } from "./registry-contents.ts";
import { startWatchedRegistry, type WatchedRegistry } from "./watched-registry.ts";

/** A folder with the demo release cut down to two targets, and a registry for it. */
export type PublicationRoom = AsyncDisposable & {
  readonly folder: string;
  /** root of the toolchain */
  readonly toolchain: string;
  readonly registry: DockerRegistry;
  /** the way that imgrel takes to the registry */
  readonly way: WatchedRegistry;
};

/** Where every case publishes: signed statements name the place. */
export const PLACE = "demo";
/** What is kept of it, by the case that left it. */
const keptOf = ({ name }: Case): string => `kept/${name}`;

const TARGETS = `  targets:
    - {variant: kernel-initrd, arch: amd64}
    - {variant: raw, arch: amd64}
  builds: 2
`;

export async function openPublicationRoom(): Promise<PublicationRoom> {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  const folder = await mkdtemp(join(parent, "publication-"));
  const spec = join(folder, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const text = await readFile(join(spec, "release.yaml"), "utf8");
  await writeFile(join(spec, "release.yaml"), text.replace(/^ {2}targets:\n[^]*/m, TARGETS));
  const local = await readFile(join(PROJECT, "deploy/local/class.yaml"), "utf8");
  await writeFile(join(folder, "class.yaml"), `${local}  network:\n    allowHTTP: true\n    allowPrivate: true\n`);
  const toolchain = await toolchainRoot();
  const registry = await startDockerRegistry(toolchain, join(folder, "registry"));
  const way = await startWatchedRegistry(registry.host);
  return {
    ...{ folder, toolchain, registry, way },
    [Symbol.asyncDispose]: async () => {
      await way[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The release once more, with a state folder of its own. All cases share the registry, so they come one by one. */
export type Case = {
  readonly room: PublicationRoom;
  /** its folder in the room */
  readonly name: string;
  readonly state: string;
  /** the repository with its record */
  readonly git: string;
  /** what imgrel is started with */
  readonly args: readonly string[];
};

/** @param others whether specs and record are in a repository of others */
export function caseOf(room: PublicationRoom, name: string, others = false): Case {
  const { folder, way } = room;
  const state = join(folder, name);
  const git = join(state, others ? "others.git" : "repository.git");
  const args = [
    ...["run", "--spec", join(folder, "specs/demo"), "--class", join(folder, "class.yaml"), "--state-dir", state],
    ...["--registry", `${way.host}/${PLACE}`, ...(others ? ["--repository", git] : [])],
  ];
  return { room, name, state, git, args };
}

/** Runs a program of the host: its output. @throws Error with the last lines if it fails */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const outcome = await exec({ program, args, env: PLAIN_ENV });
  if (outcome.exitCode !== 0) throw new Error(`${program}: ${outcome.tail}`);
  return outcome.stdout;
}

/** Keeps what the registry has now: what this case left there. */
export const keep = (one: Case): Promise<void> => copyRepositories(one.room.registry.storage, PLACE, keptOf(one));

/** Makes the registry what it was when this was kept. */
export const restore = (one: Case): Promise<void> => copyRepositories(one.room.registry.storage, keptOf(one), PLACE);

/** A copy of a release that was kept, registry and all. Only what is never written to again is shared. */
export async function copyOf(from: Case, name: string, others = false): Promise<Case> {
  const to = caseOf(from.room, name, others);
  await mkdir(to.state);
  await run("cp", "--archive", "--link", join(from.state, "work"), to.state);
  const rest = (await readdir(from.state)).filter((entry) => entry !== "work");
  await run("cp", "--archive", ...rest.map((entry) => join(from.state, entry)), to.state);
  if (others) await cp(join(from.state, "repository.git"), to.git, { recursive: true });
  await restore(from);
  return to;
}

/** What the registry has of the release now. */
export const published = ({ registry }: PublicationRoom): Promise<RegistryContents> =>
  contentsOf(registry.storage, `${PLACE}/images`);

/** git on the repository with its record. */
export const gitOf = ({ git }: Case, ...args: readonly string[]): Promise<string> =>
  run("git", "--git-dir", git, ...args);

/** Commits on the branch of records, which has none of the specs'. */
export const recordCommits = async (one: Case): Promise<number> =>
  Number(await gitOf(one, "rev-list", "--count", "--all", "--not", "main"));

/** All commits that are there, on a branch or not. */
export async function commitsIn(one: Case): Promise<number> {
  const types = await gitOf(one, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)");
  return types.split("\n").filter((type) => type === "commit").length;
}

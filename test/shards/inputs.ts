import { lstat, readFile, readlink } from "node:fs/promises";
import { arch, release } from "node:os";
import { join, matchesGlob } from "node:path";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import type { Shard } from "./shard.ts";

/** Inputs of every shard besides the sources that it covers. */
const ALWAYS = ["package-lock.json", "vitest.config.ts", "builders/toolchain/lock.*.json"];

const TOOLS = [
  ["git", "--version"],
  ["dpkg-deb", "--version"],
  ["unshare", "--version"],
] as const;

/** Whether a path is what a glob means; unlike a shell's, `folder/**` also means hidden files. */
export const matches = (path: string, glob: string): boolean =>
  glob.endsWith("/**") ? path.startsWith(glob.slice(0, -2)) : matchesGlob(path, glob);

/** First line that a program prints about itself. @throws Error with `code: "ENOENT"` if it is not there */
async function versionOf(program: string, args: readonly string[]): Promise<string> {
  const outcome = await exec({ program, args });
  if (outcome.exitCode !== 0) throw new Error(`${program} ${args.join(" ")} ended with code ${outcome.exitCode}`);
  return `tool ${program}: ${outcome.stdout.split("\n", 1)[0] ?? ""}`;
}

/** Type, executable bit and content of a file, or that it is gone though git still lists it. */
async function describe(path: string): Promise<string> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (stats === undefined) return "absent";
  if (stats.isSymbolicLink()) return `link ${await readlink(path)}`;
  return `${(stats.mode & 0o111) === 0 ? "file" : "program"} ${sha256Hex(await readFile(path))}`;
}

/**
 * Files of the project that git tracks or would track, sorted. HOME and SUDO_UID are passed on because git refuses
 * root in another user's folder unless one of them says that it is meant.
 * @throws Error if `project` is no git repository
 */
export async function projectFiles(project: string): Promise<string[]> {
  const owner = ["HOME", "SUDO_UID"].flatMap((name): [string, string][] => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value]];
  });
  const outcome = await exec({
    program: "git",
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: project,
    env: { ...PLAIN_ENV, ...Object.fromEntries(owner) },
  });
  if (outcome.exitCode !== 0) throw new Error(`git ls-files failed in ${project}: ${outcome.tail}`);
  return [...new Set(outcome.stdout.trimEnd().split("\0"))].filter((path) => path !== "").toSorted();
}

/**
 * SHA-256 of all that a shard's result depends on: its declaration, the content of its tests and of the files it
 * covers, the lockfiles, and the versions of Node, the kernel and the host's tools.
 * @param files what {@link projectFiles} found
 */
export async function inputsHash(project: string, files: readonly string[], shard: Shard): Promise<string> {
  const globs = [...ALWAYS, ...shard.covers];
  // tests of their own beside the sources decide nothing here
  const isSource = (path: string) => !path.endsWith(".test.ts") && globs.some((glob) => matches(path, glob));
  const covered = files.filter((path) => shard.files.includes(path) || isSource(path));
  const lines = [
    `shard ${JSON.stringify({ ...shard, costSeconds: 0 })}`,
    `machine ${arch()} ${release()} node ${process.version}`,
    ...(await Promise.all([...TOOLS, ...(shard.tools ?? [])].map(([program, ...args]) => versionOf(program, args)))),
  ];
  for (const path of covered) lines.push(`${JSON.stringify(path)} ${await describe(join(project, path))}`);
  return sha256Hex(lines.join("\n"));
}

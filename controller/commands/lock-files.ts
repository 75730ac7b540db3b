import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lock } from "../../builders/contract/lock.ts";
import { ToolchainPackages } from "../../builders/contract/package-request.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import type { DiskImageReleaseClass } from "../domain/class.ts";
import { requireDocument } from "../domain/documents.ts";
import { ReleaseError } from "../domain/errors.ts";
import type { DiskImageReleaseSource } from "../domain/source.ts";
import { readToolchainLock as parseToolchainLock, toolchainOf } from "../domain/toolchain-locks.ts";

/** Root of imgrel's own sources. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
/** The class that commands use unless they are given another. */
export const LOCAL_CLASS = join(PROJECT, "deploy/local/class.yaml");
/** The source that commands use unless they are given another. */
export const LOCAL_SOURCE = join(PROJECT, "deploy/local/source.yaml");

/** Roots that imgrel itself runs with: what builds and boots, and what is in the image of the controller. */
const OWN_ROOTS = { toolchain: "builders/toolchain", controller: "deploy/images" } as const;
export type OwnRoot = keyof typeof OWN_ROOTS;

/** Where the lock of a root of imgrel's own stands. */
export const ownLockPath = (root: OwnRoot, arch: Arch): string => join(PROJECT, OWN_ROOTS[root], `lock.${arch}.json`);

/** A path as people typed or would type it. */
export const shortPath = (cwd: string, path: string): string => {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") ? path : short;
};

/** A file's text; undefined if there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return;
    throw error;
  }
}

async function readText(path: string, shown: string, remedy: string): Promise<string> {
  const text = await readTextIfThere(path);
  if (text === undefined) throw new ReleaseError("NotFound", `there is no file ${shown}`, remedy);
  return text;
}

/**
 * A class from its file; `name`, where given, must be its name.
 * @throws ReleaseError NotFound, or SpecInvalid with one line per problem
 */
export async function readClass(file: string, cwd: string, name?: string): Promise<DiskImageReleaseClass> {
  const shown = shortPath(cwd, file);
  const text = await readText(file, shown, "name the file of a DiskImageReleaseClass with --class");
  const read = requireDocument(text, shown, "DiskImageReleaseClass");
  if (name === undefined || read.metadata.name === name) return read;
  throw new ReleaseError(
    "NotFound",
    `the release is of class ${name}, and ${shown} holds class ${read.metadata.name}`,
    `name the file of class ${name} with --class`,
  );
}

/**
 * A source from its file.
 * @throws ReleaseError NotFound, or SpecInvalid with one line per problem
 */
export async function readSource(file: string, cwd: string): Promise<DiskImageReleaseSource> {
  const shown = shortPath(cwd, file);
  const text = await readText(file, shown, "name the file of a DiskImageReleaseSource with --source");
  return requireDocument(text, shown, "DiskImageReleaseSource");
}

/** What a root of imgrel's own is made from, its packages.json. */
export const readOwnPackages = async (root: OwnRoot): Promise<ToolchainPackages> =>
  ToolchainPackages.parse(JSON.parse(await readFile(join(PROJECT, OWN_ROOTS[root], "packages.json"), "utf8")));

/**
 * The lock of a root of imgrel's own.
 * @throws ReleaseError InputMissing if there is none, StaleLock if it is not one of that architecture
 */
export async function readOwnLock(root: OwnRoot, arch: Arch): Promise<Lock> {
  const path = ownLockPath(root, arch);
  const text = await readTextIfThere(path);
  if (text !== undefined) return parseToolchainLock(relative(PROJECT, path), new TextEncoder().encode(text), arch);
  if (root === "toolchain") return toolchainOf(new Map(), arch);
  throw new ReleaseError(
    "InputMissing",
    `there is no lock for the image of the controller for ${arch}`,
    `run: imgrel lock --controller --arch ${arch}`,
  );
}

/** The toolchain's lock of an architecture. Throws as {@link readOwnLock}. */
export const readToolchainLock = (arch: Arch): Promise<Lock> => readOwnLock("toolchain", arch);

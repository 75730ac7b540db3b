import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Lock, lockDigest, parseLock } from "../../builders/contract/lock.ts";
import { ToolchainPackages } from "../../builders/contract/package-request.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import type { DiskImageReleaseClass } from "../domain/class.ts";
import { requireDocument } from "../domain/documents.ts";
import { ReleaseError } from "../domain/errors.ts";
import { formatProblem } from "../domain/problem.ts";
import type { DiskImageRelease } from "../domain/release.ts";
import { lockFileName, readReleaseLock } from "../domain/release-lock.ts";

/** Root of imgrel's own sources. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));
/** The class that commands use unless they are given another. */
export const LOCAL_CLASS = join(PROJECT, "deploy/local/class.yaml");
const TOOLCHAIN = join(PROJECT, "builders/toolchain");

/** Where the toolchain's lock of an architecture stands. */
export const toolchainLockPath = (arch: Arch): string => join(TOOLCHAIN, `lock.${arch}.json`);

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
 * The release that stands in a folder, `<folder>/release.yaml`.
 * @throws ReleaseError NotFound, or SpecInvalid with one line per problem
 */
export async function readRelease(folder: string, cwd: string): Promise<DiskImageRelease> {
  const file = join(folder, "release.yaml");
  const shown = shortPath(cwd, file);
  const text = await readText(file, shown, "name the folder of a release, such as specs/demo");
  return requireDocument(text, shown, "DiskImageRelease");
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

/** What the toolchain is made from, builders/toolchain/packages.json. */
export const readToolchainPackages = async (): Promise<ToolchainPackages> =>
  ToolchainPackages.parse(JSON.parse(await readFile(join(TOOLCHAIN, "packages.json"), "utf8")));

/**
 * The toolchain's lock of an architecture.
 * @throws ReleaseError InputMissing if there is none, SyntaxError or ZodError if it is none
 */
export async function readToolchainLock(arch: Arch): Promise<Lock> {
  const text = await readTextIfThere(toolchainLockPath(arch));
  if (text !== undefined) return parseLock(text);
  throw new ReleaseError(
    "InputMissing",
    `the toolchain has no lock for ${arch}`,
    `run: imgrel lock --toolchain --arch ${arch}`,
  );
}

/**
 * The lock of a release for one architecture, checked against its spec and the toolchain's lock.
 * @throws ReleaseError InputMissing if there is none, StaleLock if it is not this release's or names another toolchain
 */
export async function readLockOf(
  folder: string,
  cwd: string,
  release: DiskImageRelease,
  arch: Arch,
  toolchain: Lock,
): Promise<Lock> {
  const file = join(folder, lockFileName(arch));
  const [shown, shownFolder] = [shortPath(cwd, file), shortPath(cwd, folder)];
  const again = `run: imgrel lock ${shownFolder}`;
  const text = await readTextIfThere(file);
  if (text === undefined) throw new ReleaseError("InputMissing", `there is no lock ${shown}`, again);
  const read = readReleaseLock(text, shown, release, arch, shownFolder);
  if (!read.ok) throw new ReleaseError("StaleLock", read.problems.map(formatProblem).join("\n"), again);
  if (read.lock.toolchain !== lockDigest(toolchain)) {
    throw new ReleaseError(
      "StaleLock",
      `${shown} was made for toolchain ${read.lock.toolchain}, this is ${lockDigest(toolchain)}`,
      `${again}, or use the checkout of imgrel that it was made with`,
    );
  }
  return read.lock;
}

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

/** What the toolchain is made from, builders/toolchain/packages.json. */
export const readToolchainPackages = async (): Promise<ToolchainPackages> =>
  ToolchainPackages.parse(JSON.parse(await readFile(join(TOOLCHAIN, "packages.json"), "utf8")));

/**
 * The toolchain's lock of an architecture.
 * @throws ReleaseError InputMissing if there is none, StaleLock if it is not one of that architecture
 */
export async function readToolchainLock(arch: Arch): Promise<Lock> {
  const path = toolchainLockPath(arch);
  const text = await readTextIfThere(path);
  if (text === undefined) return toolchainOf(new Map(), arch);
  return parseToolchainLock(relative(PROJECT, path), new TextEncoder().encode(text), arch);
}

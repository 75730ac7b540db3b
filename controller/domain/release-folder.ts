import { canonicalJson, type Digest } from "../../builders/contract/digest.ts";
import { type Lock, lockDigest, parseLock, serializeLock } from "../../builders/contract/lock.ts";
import type { Arch } from "../../builders/contract/variant.ts";
import { requireDocument } from "./documents.ts";
import { ReleaseError } from "./errors.ts";
import { formatProblem } from "./problem.ts";
import { archesOf, type DiskImageRelease, specDigest } from "./release.ts";
import { lockFileName, readReleaseLock } from "./release-lock.ts";
import { type SpecFiles, textOf } from "./spec-files.ts";
import { checkToolVersions } from "./tool-versions.ts";
import { type ToolchainLocks, toolchainOf } from "./toolchain-locks.ts";
import { readYaml } from "./yaml-document.ts";

/** What `specs/<release>/` holds. */
export type ReleaseFolder = {
  /** of the folder, and metadata.name */
  readonly name: string;
  /** release.yaml as it is written */
  readonly text: string;
  readonly release: DiskImageRelease;
  /** of the architectures that have a target, as far as they are locked */
  readonly locks: ReadonlyMap<Arch, Lock>;
};

export const RELEASE_FILE = "release.yaml";

/** Where a release stands in a repository. */
export const releasePath = (name: string): string => `specs/${name}`;

/**
 * Reads a release's folder. `place` is how messages name it. `staleLocks`: what to do about a lock that is not this
 * release's: refuse it, or take it for what it is, as something to compare with, if it is a lock at all.
 * @throws ReleaseError NotFound without a release.yaml, SpecInvalid for one with mistakes, StaleLock
 */
export function readReleaseFolder(
  name: string,
  place: string,
  files: SpecFiles,
  staleLocks: "refuse" | "take" = "refuse",
): ReleaseFolder {
  const file = `${place}/${RELEASE_FILE}`;
  const content = files.get(RELEASE_FILE);
  if (content === undefined) {
    throw new ReleaseError("NotFound", `there is no ${file}`, "name a folder that holds a release.yaml");
  }
  const text = textOf(file, content);
  const release = requireDocument(text, file, "DiskImageRelease");
  if (release.metadata.name !== name) {
    throw new ReleaseError(
      "SpecInvalid",
      `${file}: metadata.name is ${release.metadata.name}, but its folder is ${name}`,
      "give the folder and metadata.name the same name",
    );
  }
  const locks = new Map<Arch, Lock>();
  for (const arch of archesOf(release.spec)) {
    const lockFile = `${place}/${lockFileName(arch)}`;
    const lockContent = files.get(lockFileName(arch));
    if (lockContent === undefined) continue;
    const lockText = textOf(lockFile, lockContent);
    const read = readReleaseLock(lockText, lockFile, release, arch, place);
    if (!read.ok && staleLocks === "refuse") {
      throw new ReleaseError("StaleLock", read.problems.map(formatProblem).join("\n"), `run: imgrel lock ${place}`);
    }
    const lock = read.ok ? read.lock : lockIn(lockText);
    if (lock !== undefined) locks.set(arch, lock);
  }
  return { name, text, release, locks };
}

function lockIn(text: string): Lock | undefined {
  try {
    return parseLock(text);
  } catch {
    return undefined;
  }
}

/** The digest that says what this release is (release-api.md 1.1). */
export const releaseDigest = ({ release, locks }: ReleaseFolder): Digest =>
  specDigest(release.spec, Object.fromEntries([...locks].map(([arch, lock]) => [arch, lockDigest(lock)])));

/** Whether two locks hold the same packages; the states of the archive that they were found in don't count. */
export const samePackages = (a: Lock, b: Lock): boolean => canonicalJson(a.packages) === canonicalJson(b.packages);

/** Whether two releases have the same locks but for the states of the archive that these were made from. */
export const sameInputs = (a: ReleaseFolder, b: ReleaseFolder): boolean =>
  a.locks.size === b.locks.size &&
  [...a.locks].every(([arch, lock]) => {
    const other = b.locks.get(arch);
    return (
      other !== undefined &&
      samePackages(lock, other) &&
      lock.toolchain === other.toolchain &&
      canonicalJson(lock.requested) === canonicalJson(other.requested)
    );
  });

/**
 * Checks a release's locks, and the toolchains that they name, against spec.inputs.tools.
 * @throws ReleaseError ToolchainMismatch, InputMissing
 */
export function checkTools({ release, locks }: ReleaseFolder, toolchains: ToolchainLocks): void {
  for (const [arch, lock] of locks) {
    checkToolVersions(release.spec.inputs.tools ?? {}, [lock, toolchainOf(toolchains, arch)]);
  }
}

/** The files of a folder that imgrel writes, by name. */
export const releaseFiles = ({ text, locks }: ReleaseFolder): ReadonlyMap<string, string> =>
  new Map([
    [RELEASE_FILE, text],
    ...[...locks].map(([arch, lock]) => [lockFileName(arch), serializeLock(lock)] as const),
  ]);

/** The versions in all texts that a release.yaml ever had. A text that is no YAML was no release. */
export function versionsIn(contents: readonly Uint8Array[]): ReadonlySet<string> {
  const versions = contents.map((content) => {
    const read = readYaml(new TextDecoder().decode(content), RELEASE_FILE);
    const spec = read.ok ? read.document.value["spec"] : undefined;
    return typeof spec === "object" && spec !== null && "version" in spec ? spec.version : undefined;
  });
  return new Set(versions.filter((version) => typeof version === "string"));
}

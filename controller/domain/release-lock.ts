import type { z } from "zod";
import { Lock, lockDigest, serializeLock } from "../../builders/contract/lock.ts";
import type { Digest } from "../../builders/contract/digest.ts";
import { ARCHES, type Arch } from "../../builders/contract/variant.ts";
import { type DocumentPath, type Problem, quote, showPath } from "./problem.ts";
import { archesOf, type DiskImageRelease } from "./release.ts";
import { type Place, readYaml } from "./yaml-document.ts";
import type { Fault } from "./text-rule.ts";

/** Largest lock, in UTF-16 units: some twenty times what a release has. */
const MAX_LOCK_LENGTH = 8 * 1024 * 1024;

/** The file of an architecture's lock, beside release.yaml. */
export const lockFileName = (arch: Arch): string => `lock.${arch}.json`;

/** Whether a file beside release.yaml is meant to be a lock; `arch` is undefined for one of no architecture. */
export function lockFileArch(name: string): { readonly arch: Arch | undefined } | undefined {
  const match = /^lock\.(.*)\.json$/.exec(name);
  return match === null ? undefined : { arch: ARCHES.find((arch) => arch === match[1]) };
}

export type LockResult =
  | { readonly ok: true; readonly lock: Lock; readonly digest: Digest }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/**
 * Reads the lock of one architecture of a release and checks that it is that release's: architecture, archive,
 * suite, kernel and packages. `file` and `specFolder` appear in messages only. Never throws.
 */
export function readReleaseLock(
  text: string,
  file: string,
  release: DiskImageRelease,
  arch: Arch,
  specFolder: string,
): LockResult {
  const again = `run imgrel lock ${specFolder}`;
  const failed = (...problems: Problem[]): LockResult => ({ ok: false, problems });
  const at = (path: DocumentPath, fault: Fault): Problem => ({
    file,
    ...locate(text, file, path),
    path: showPath(path),
    ...fault,
  });

  let value: unknown;
  try {
    if (text.length > MAX_LOCK_LENGTH) throw new SyntaxError(`longer than ${MAX_LOCK_LENGTH} characters`);
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return failed({
      file,
      ...brokenAt(text, file, error.message),
      path: "",
      message: `is not a JSON file: ${error.message}`,
      remedy: again,
    });
  }
  const parsed = Lock.safeParse(value);
  if (!parsed.success) {
    return failed(
      ...parsed.error.issues.map((issue) => at(plainPath(issue), { message: plainMessage(issue), remedy: again })),
    );
  }
  const lock = parsed.data;
  const faults = faultsOf(lock, release, arch);
  if (faults.length > 0) return failed(...faults.map(([path, message]) => at(path, { message, remedy: again })));
  if (serializeLock(lock) !== text) {
    return failed(
      at([], { message: "is not in the form imgrel lock writes, so its digest would differ", remedy: again }),
    );
  }
  return { ok: true, lock, digest: lockDigest(lock) };
}

/** Why a lock is not this release's. */
function faultsOf(lock: Lock, { spec }: DiskImageRelease, arch: Arch): [DocumentPath, string][] {
  const faults: [DocumentPath, string][] = [];
  if (lock.kind !== "release") faults.push([["kind"], `is a ${lock.kind} lock, not a release lock`]);
  if (lock.arch !== arch) faults.push([["arch"], `is for ${lock.arch}, but the file's name says ${arch}`]);
  const { archive, suite } = spec.inputs.distribution;
  if (!lock.suites.some((locked) => locked.archive === archive && locked.suite === suite)) {
    faults.push([["suites"], `has nothing of ${archive} ${suite}, which the spec names`]);
  }
  if (!archesOf(spec).includes(arch)) {
    faults.push([["arch"], `no target is for ${arch}, so this lock would only change the release's digest`]);
    return faults;
  }
  const locked = new Set(lock.packages.filter(({ role }) => role === "target").map(({ name }) => name));
  const kernel = spec.inputs.kernelPackage[arch];
  if (kernel !== undefined && !locked.has(kernel)) {
    faults.push([["packages"], `lacks the spec's kernel package ${kernel}`]);
  }
  for (const name of spec.inputs.packages ?? []) {
    // asked for, not contained: what the spec names may be provided by a package of another name
    if (!lock.requested.includes(name)) faults.push([["requested"], `was made without the spec's package ${name}`]);
  }
  return faults;
}

const plainPath = (issue: z.core.$ZodIssue): DocumentPath =>
  issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));

// Locks are made by imgrel, so the field and what is wrong with it are enough; the remedy is to make it anew.
function plainMessage(issue: z.core.$ZodIssue): string {
  if (issue.code === "custom" || issue.code === "invalid_format") return issue.message;
  if (issue.code === "unrecognized_keys") return `has unknown keys: ${issue.keys.map(quote).join(", ")}`;
  return "is not what a lock has here";
}

/** Where a path of a JSON file stands: JSON is YAML, so the YAML reader knows. Only read when there is a problem. */
function locate(text: string, file: string, path: DocumentPath): Place {
  const read = readYaml(text, file, MAX_LOCK_LENGTH);
  return read.ok ? read.document.locate(path, "value") : { line: 1, column: 1 };
}

/** Where a file stops to be JSON: V8 sometimes says so in its message, and often it is no YAML from there on. */
function brokenAt(text: string, file: string, message: string): Place {
  const match = /\(line ([0-9]+) column ([0-9]+)\)/.exec(message);
  if (match !== null) return { line: Number(match[1]), column: Number(match[2]) };
  const read = readYaml(text, file, MAX_LOCK_LENGTH);
  const problem = read.ok ? undefined : read.problems[0];
  return { line: problem?.line ?? 1, column: problem?.column ?? 1 };
}

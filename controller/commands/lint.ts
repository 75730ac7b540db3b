import type { Dirent } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../../builders/contract/build-failure.ts";
import { stableJson } from "../../builders/contract/digest.ts";
import { type Kind, problemAt, readDocument } from "../domain/documents.ts";
import { editorSchemas } from "../domain/editor-schemas.ts";
import { ReleaseError } from "../domain/errors.ts";
import { compareProblems, formatProblem, type Problem } from "../domain/problem.ts";
import type { DiskImageRelease } from "../domain/release.ts";
import { lockFileArch, readReleaseLock } from "../domain/release-lock.ts";
import { textOf } from "../domain/spec-files.ts";
import { type CommandContext, type OutputFormat, outputOption } from "./command.ts";

/** What a lint found; file names are as the paths were given. */
export type LintReport = {
  readonly documents: readonly { readonly file: string; readonly kind: Kind; readonly name: string }[];
  readonly locks: readonly string[];
  readonly problems: readonly Problem[];
  /** given paths that do not exist or hold no document of ours */
  readonly missing: readonly Problem[];
};

const RELEASE_FILE = "release.yaml";
const YAML_FILE = /\.ya?ml$/;
const MAX_BYTES = 32 * 1024 * 1024;
// A document of ours among other YAML, even one that does not parse.
const OURS = /^[{\s]*["']?apiVersion["']?\s*:\s*["']?releases\.powernode\.io\//m;

/** One run of lint: what it has found so far. */
type Run = {
  readonly cwd: string;
  readonly documents: { file: string; kind: Kind; name: string }[];
  readonly locks: string[];
  readonly problems: Problem[];
};

/**
 * Checks documents, and the locks beside releases. A folder is searched for release.yaml files and for other YAML of
 * our kinds; a file is checked whatever its name. Paths are relative to `cwd`.
 * What is wrong with a document is in the report; only faults of the file system are thrown.
 */
export async function lintPaths(paths: readonly string[], cwd: string, signal?: AbortSignal): Promise<LintReport> {
  const run: Run = { cwd, documents: [], locks: [], problems: [] };
  const missing: Problem[] = [];
  const seen = new Set<string>();
  for (const path of paths) {
    const found = await stat(resolve(cwd, path)).catch(ignoreMissing);
    if (found === undefined) {
      missing.push(about(path, "no such file or folder", "name what exists, or run imgrel where it does"));
      continue;
    }
    const files = found.isDirectory() ? await documentsBelow(path, run) : [path];
    if (files.length === 0) missing.push(about(path, "holds no document of ours", "name the folder that holds specs"));
    for (const file of files) {
      signal?.throwIfAborted();
      if (seen.has(resolve(cwd, file))) continue;
      seen.add(resolve(cwd, file));
      await lintFile(file, found.isDirectory(), run);
    }
  }
  return {
    documents: run.documents,
    locks: run.locks,
    problems: run.problems.toSorted(compareProblems),
    missing,
  };
}

const about = (file: string, message: string, remedy: string): Problem => ({
  file,
  line: 1,
  column: 1,
  path: "",
  message,
  remedy,
});

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
    return undefined;
  throw error;
}

/** Files below a folder that are documents of ours, sorted; hidden folders and node_modules are left out. */
async function documentsBelow(folder: string, run: Run): Promise<string[]> {
  const entries = await readdir(resolve(run.cwd, folder), { withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith(".") && entry.name !== "node_modules")
        found.push(...(await documentsBelow(path, run)));
    } else if (YAML_FILE.test(entry.name) && isPlain(entry, path, run)) {
      if (entry.name === RELEASE_FILE || OURS.test((await read(path, run)) ?? "")) found.push(path);
    }
  }
  return found;
}

function isPlain(entry: Dirent, path: string, run: Run): boolean {
  if (entry.isFile()) return true;
  run.problems.push(about(path, "is not a plain file, and a source follows no links", "put the file itself here"));
  return false;
}

/** A file's text, or undefined with a problem where it has none. */
async function read(file: string, run: Run): Promise<string | undefined> {
  const path = resolve(run.cwd, file);
  const { size } = await stat(path);
  if (size > MAX_BYTES) {
    run.problems.push(about(file, `has ${size} bytes`, `a document may have ${MAX_BYTES} at the very most`));
    return undefined;
  }
  try {
    return textOf(file, await readFile(path));
  } catch (error) {
    if (!(error instanceof ReleaseError)) throw error;
    run.problems.push(about(file, "is not UTF-8 text", "save the file as UTF-8"));
    return undefined;
  }
}

async function lintFile(file: string, searched: boolean, run: Run): Promise<void> {
  const text = await read(file, run);
  if (text === undefined) return;
  const result = readDocument(text, file);
  if (!result.ok) {
    run.problems.push(...result.problems);
    return;
  }
  const { document, yaml } = result;
  const { kind, metadata } = document;
  run.documents.push({ file, kind, name: metadata.name });
  const problem = (path: string[], message: string, remedy: string): void => {
    run.problems.push(problemAt(yaml, file, { path, at: "value", message, remedy }));
  };
  if (basename(file) !== RELEASE_FILE) {
    if (kind === "DiskImageRelease" && searched) {
      problem(["kind"], "no source reads a release from this file", `move it to ${metadata.name}/${RELEASE_FILE}`);
    }
    return;
  }
  if (kind !== "DiskImageRelease") {
    problem(["kind"], `${RELEASE_FILE} must hold a DiskImageRelease`, "give this document another file name");
    return;
  }
  const folder = basename(dirname(resolve(run.cwd, file)));
  if (folder !== metadata.name) {
    problem(
      ["metadata", "name"],
      `the folder is ${folder}`,
      `rename the folder to ${metadata.name}, or write ${folder}`,
    );
  }
  await lintLocks(dirname(file), document, run);
}

/** Checks each lock.<arch>.json beside a release; a release without locks is not yet locked, which is no mistake. */
async function lintLocks(folder: string, release: DiskImageRelease, run: Run): Promise<void> {
  const entries = await readdir(resolve(run.cwd, folder), { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const meant = lockFileArch(entry.name);
    const file = join(folder, entry.name);
    if (meant === undefined || !isPlain(entry, file, run)) continue;
    if (meant.arch === undefined) {
      run.problems.push(about(file, "is a lock of no architecture we know", "rename or remove it"));
      continue;
    }
    const text = await read(file, run);
    if (text === undefined) continue;
    run.locks.push(file);
    const lock = readReleaseLock(text, file, release, meant.arch, folder);
    if (!lock.ok) run.problems.push(...lock.problems);
  }
}

/** 4: a path is missing; 2: something is wrong; 0: all is well. */
export function exitCodeOfLint({ missing, problems }: LintReport): ExitCode {
  if (missing.length > 0) return EXIT.missing;
  return problems.length > 0 ? EXIT.usage : EXIT.ok;
}

const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;

/** "2 documents, 1 lock: no problems" */
export function summaryOfLint({ documents, locks, problems, missing }: LintReport): string {
  const seen = `${count(documents.length, "document", "documents")}, ${count(locks.length, "lock", "locks")}`;
  const wrong = problems.length + missing.length;
  return `${seen}: ${wrong === 0 ? "no problems" : count(wrong, "problem", "problems")}`;
}

type LintOptions = { readonly output: OutputFormat; readonly writeSchema?: string };

async function lint(paths: string[], options: LintOptions, context: CommandContext): Promise<void> {
  if (options.writeSchema !== undefined) return writeSchemas(resolve(context.cwd, options.writeSchema), context);
  const report = await lintPaths(paths, context.cwd, context.signal);
  if (options.output === "json") {
    context.stdout(stableJson(report));
  } else {
    for (const problem of [...report.missing, ...report.problems]) context.stdout(formatProblem(problem));
    context.stderr(summaryOfLint(report));
  }
  context.exitCode(exitCodeOfLint(report));
}

async function writeSchemas(folder: string, context: CommandContext): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, text] of editorSchemas()) {
    await writeFile(join(folder, name), text);
    context.stdout(join(folder, name));
  }
}

/** Registers `imgrel lint`. */
export function register(program: Command, context: CommandContext): void {
  program
    .command("lint")
    .description("Checks specs, classes and sources, and the locks beside specs, without the network.")
    .argument("[paths...]", "files or folders", ["specs"])
    .addOption(outputOption())
    .option("--write-schema <folder>", "write the JSON Schemas for editors into a folder and check nothing")
    .addHelpText(
      "after",
      "\nExit code: 0 all is well, 2 a document or lock is wrong, 4 a path is missing or holds no document.",
    )
    .action((paths: string[], options: LintOptions) => lint(paths, options, context));
}

import { closeSync, mkdirSync, openSync, readFileSync, readSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import { type Elf, type ReadAt, readElf } from "./elf.ts";
import { ldSoConfFolders } from "./ld-so-conf.ts";
import { type LibraryClosure, libraryClosure } from "./library-search.ts";
import { type RootPaths, rootPaths } from "./root-paths.ts";

/** A library (or interpreter) that `file` will not find when it is run; `file` is absolute inside the root. */
export type MissingLibrary = { readonly file: string; readonly library: string };

export type LibraryIndex = {
  /** how many dynamic ELF files have an index file */
  readonly files: number;
  readonly missing: readonly MissingLibrary[];
};

/** Folders that hold programs and libraries; in a merged-usr root the first ones are links into /usr. */
const SEARCHED = ["bin", "sbin", "lib", "lib32", "lib64"]
  .flatMap((name) => [`/${name}`, `/usr/${name}`])
  .concat("/usr/libexec");
/** Modules and firmware are for the kernel and devices, debug files are never run. */
const PASSED_OVER: ReadonlySet<string> = new Set([
  "/usr/lib/modules",
  "/lib/modules",
  "/usr/lib/firmware",
  "/lib/firmware",
  "/usr/lib/debug",
]);
const KERNEL_MODULE = /\.ko(\.(xz|zst|gz))?$/;

const FIRST_READ_BYTES = 4096;
const firstRead = Buffer.allocUnsafeSlow(FIRST_READ_BYTES);

/** Reads an ELF file's few interesting bytes: most lie in its first page, which is read once. */
function elfOfFile(path: string): Elf | null {
  const file = openSync(path, "r");
  try {
    const first = firstRead.subarray(0, readSync(file, firstRead, 0, FIRST_READ_BYTES, 0));
    const readAt: ReadAt = (offset, length) => {
      if (offset + length <= first.length) return first.subarray(offset, offset + length);
      const bytes = Buffer.allocUnsafe(length);
      return bytes.subarray(0, readSync(file, bytes, 0, length, offset));
    };
    return readElf(readAt);
  } finally {
    closeSync(file);
  }
}

function invalid(path: string, message: string, cause?: unknown): BuildError {
  return new BuildError(
    {
      code: "OutputInvalid",
      step: "initramfs",
      message: `${path} in the target root: ${message}`,
      remedy: "the package that owns this file ships it damaged: lock another version of it",
    },
    { cause },
  );
}

function elfReader(root: string): (realPath: string) => Elf | null {
  const known = new Map<string, Elf | null>();
  return (realPath) => {
    let elf = known.get(realPath);
    if (elf === undefined) {
      try {
        elf = elfOfFile(`${root}${realPath}`);
      } catch (error) {
        if (error instanceof RangeError) throw invalid(realPath, `damaged ELF file: ${error.message}`, error);
        throw error;
      }
      known.set(realPath, elf);
    }
    return elf;
  };
}

function* filesBelow(paths: RootPaths, folder: string): Generator<string> {
  for (const entry of paths.list(folder)) {
    const path = posix.join(folder, entry.name);
    if (entry.isDirectory() && !PASSED_OVER.has(path)) yield* filesBelow(paths, path);
    else if (entry.isFile() && !KERNEL_MODULE.test(entry.name)) yield path;
  }
}

/** The closure in the words of ldd(1), which dracut-install reads: the first path of each line. */
function lddLines(file: string, closure: LibraryClosure): string {
  const { libraries, interpreter } = closure;
  const lines = libraries.map(({ name, path }) => `\t${name} => ${path ?? "not found"}`);
  if (interpreter !== null)
    lines.push(interpreter.exists ? `\t${interpreter.path}` : `\t${posix.basename(interpreter.path)} => not found`);
  const unsafe = [...libraries.flatMap(({ name, path }) => [name, path ?? ""]), interpreter?.path ?? ""].find((text) =>
    /\s/.test(text),
  );
  if (unsafe !== undefined)
    throw invalid(file, `it needs ${JSON.stringify(unsafe)}, which has white space in its name`);
  return lines.length === 0 ? "\tstatically linked\n" : `${lines.join("\n")}\n`;
}

/** Folders of the root's ld.so.conf. */
function configuredFolders(root: string, paths: RootPaths): string[] {
  const read = (path: string): string | null => {
    const real = paths.resolveFile(path);
    return real === null ? null : readFileSync(`${root}${real}`, "utf8");
  };
  const names = (folder: string): string[] => {
    const real = paths.resolveFolder(folder);
    return real === null ? [] : paths.list(real).map((entry) => entry.name);
  };
  try {
    return ldSoConfFolders({ read, names });
  } catch (error) {
    if (error instanceof RangeError) throw invalid("/etc/ld.so.conf", error.message, error);
    throw error;
  }
}

/** A link of the root's top level, made in the index as well. */
function mirrorLink(index: string, top: string, real: string): void {
  const link = join(index, top);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(posix.relative(dirname(top), real), link);
}

const missingFrom = (file: string, { libraries, interpreter }: LibraryClosure): MissingLibrary[] => [
  ...libraries.filter(({ path }) => path === null).map(({ name }) => ({ file, library: name })),
  ...(interpreter?.exists === false ? [{ file, library: interpreter.path }] : []),
];

/**
 * Writes, for each dynamic ELF file of the root's program and library folders, `<index><path inside root>.ldd`: what
 * ldd would print for it there, with all libraries that it needs, found without running anything. ldd.sh prints these
 * files. Links at the root's top level (bin -> usr/bin) are links in the index too. An old index is removed.
 * @param root path of the target root
 * @param index folder to make; it is not in the root
 * @throws BuildError OutputInvalid that names a damaged ELF file; NodeJS.ErrnoException if a file cannot be read
 */
export async function writeLibraryIndex(root: string, index: string): Promise<LibraryIndex> {
  const paths = rootPaths(root);
  const searched = { resolveFile: paths.resolveFile, elf: elfReader(root), configured: configuredFolders(root, paths) };
  const missing: MissingLibrary[] = [];
  let files = 0;
  await rm(index, { recursive: true, force: true });
  for (const top of SEARCHED) {
    const real = paths.resolveFolder(top);
    if (real === null) continue;
    if (real !== top) {
      mirrorLink(index, top, real);
      continue;
    }
    let made = "";
    for (const file of filesBelow(paths, top)) {
      const closure = libraryClosure(searched, file);
      if (closure === null) continue;
      const target = `${index}${file}.ldd`;
      const folder = dirname(target);
      if (folder !== made) mkdirSync(folder, { recursive: true });
      made = folder;
      writeFileSync(target, lddLines(file, closure));
      files += 1;
      missing.push(...missingFrom(file, closure));
    }
  }
  return { files, missing };
}

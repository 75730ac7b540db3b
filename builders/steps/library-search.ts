import { posix } from "node:path";
import type { Elf } from "./elf.ts";

/** What the search needs to know of a root; all paths are absolute inside it. */
export type SearchedRoot = {
  /** real path of a regular file, or null */
  readonly resolveFile: (path: string) => string | null;
  /** the ELF file at a real path, or null if it is something else */
  readonly elf: (realPath: string) => Elf | null;
  /** folders of /etc/ld.so.conf, in order */
  readonly configured: readonly string[];
};

/** All libraries that a program needs, in the order in which ld.so loads them; `path` is null if there is none. */
export type LibraryClosure = {
  readonly libraries: readonly { readonly name: string; readonly path: string | null }[];
  /** the dynamic linker, where one is needed */
  readonly interpreter: { readonly path: string; readonly exists: boolean } | null;
};

type Machine = Exclude<Elf["machine"], "other">;
const MACHINES: Record<Machine, { readonly triplet: string; readonly platform: string; readonly interpreter: string }> =
  {
    "x86-64": { triplet: "x86_64-linux-gnu", platform: "x86_64", interpreter: "/lib64/ld-linux-x86-64.so.2" },
    aarch64: { triplet: "aarch64-linux-gnu", platform: "aarch64", interpreter: "/lib/ld-linux-aarch64.so.1" },
  };

/** An object in the process; `folder` is where its $ORIGIN points. */
type Loaded = { readonly elf: Elf; readonly folder: string; readonly loader: Loaded | null };

const defaultFolders = (machine: Machine): string[] => {
  const { triplet } = MACHINES[machine];
  return [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib", "/usr/lib"];
};

/** Replaces $ORIGIN, $LIB and $PLATFORM, with or without braces (ld.so(8), "Dynamic string tokens"). */
function expandTokens(text: string, folder: string, machine: Machine): string {
  const { triplet, platform } = MACHINES[machine];
  const values: Record<string, string> = { ORIGIN: folder, LIB: `lib/${triplet}`, PLATFORM: platform };
  return text.replace(
    /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))/g,
    (_, braced: string, bare: string) => values[braced ?? bare] ?? "",
  );
}

/** Folders of a DT_RPATH or DT_RUNPATH; relative ones depend on the current folder and are left out. */
const pathFolders = (text: string | null, object: Loaded, machine: Machine): string[] =>
  (text ?? "")
    .split(":")
    .map((folder) => expandTokens(folder, object.folder, machine))
    .filter((folder) => folder.startsWith("/"))
    .map((folder) => folder.replace(/(?<=.)\/+$/, ""));

/** RPATHs of an object and of what loaded it; a RUNPATH anywhere voids the RPATH beside it, the object's voids all. */
function inheritedFolders(object: Loaded, machine: Machine): string[] {
  if (object.elf.runpath !== null) return [];
  const folders: string[] = [];
  for (let at: Loaded | null = object; at !== null; at = at.loader) {
    if (at.elf.runpath === null) folders.push(...pathFolders(at.elf.rpath, at, machine));
  }
  return folders;
}

/** Where ld.so looks for what `object` needs, in order (ld.so(8)); LD_LIBRARY_PATH is not set in an initramfs. */
function searchFolders(object: Loaded, machine: Machine, configured: readonly string[]): string[] {
  const defaults = defaultFolders(machine);
  const system = [...configured, ...defaults];
  return [
    ...inheritedFolders(object, machine),
    ...pathFolders(object.elf.runpath, object, machine),
    ...(object.elf.noDefaultFolders ? system.filter((folder) => !defaults.includes(folder)) : system),
  ];
}

/**
 * All libraries that the file at `path`, a real path, needs, found as ld.so would inside the root, without running
 * anything: names already loaded count, by name or DT_SONAME; files of another machine are passed over. So are the
 * glibc-hwcaps folders: which of them ld.so takes depends on the processor, and the library outside them always runs.
 * Null for what ld.so cannot load: no ELF, no dynamic section, another machine.
 */
export function libraryClosure(root: SearchedRoot, path: string): LibraryClosure | null {
  const elf = root.elf(path);
  if (elf === null || !elf.dynamic || elf.machine === "other") return null;
  const { machine } = elf;
  const interpreter = elf.interpreter ?? MACHINES[machine].interpreter;
  const interpreterFile = root.resolveFile(interpreter);
  const interpreterName = posix.basename(interpreter);
  const names = new Set([interpreterName]);
  const files = new Set([path]);
  if (elf.soname !== null) names.add(elf.soname);
  if (interpreterFile !== null) files.add(interpreterFile);

  const find = (name: string, object: Loaded): { path: string; real: string; elf: Elf } | null => {
    const candidates = name.includes("/")
      ? [name].filter((candidate) => candidate.startsWith("/"))
      : searchFolders(object, machine, root.configured).map((folder) => `${folder}/${name}`);
    for (const candidate of candidates) {
      const real = root.resolveFile(candidate);
      const found = real === null ? null : root.elf(real);
      if (real !== null && found?.dynamic === true && found.machine === machine)
        return { path: candidate, real, elf: found };
    }
    return null;
  };

  const libraries: { name: string; path: string | null }[] = [];
  const queue: Loaded[] = [{ elf, folder: posix.dirname(path), loader: null }];
  let needsInterpreter = elf.interpreter !== null;
  for (const object of queue) {
    for (const raw of object.elf.needed) {
      const name = expandTokens(raw, object.folder, machine);
      if (name === interpreterName) needsInterpreter = true;
      if (names.has(name)) continue;
      names.add(name);
      const found = find(name, object);
      if (found !== null && files.has(found.real)) continue;
      libraries.push({ name, path: found?.path ?? null });
      if (found === null) continue;
      files.add(found.real);
      if (found.elf.soname !== null) names.add(found.elf.soname);
      queue.push({ elf: found.elf, folder: posix.dirname(found.path), loader: object });
    }
  }
  return { libraries, interpreter: needsInterpreter ? { path: interpreter, exists: interpreterFile !== null } : null };
}

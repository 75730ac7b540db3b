import { posix } from "node:path";

/** Read access to configuration files, by absolute path inside the root. */
export type ConfigFiles = {
  /** text of a regular file, or null if there is none */
  readonly read: (path: string) => string | null;
  /** names in a folder, in byte order; empty if there is no such folder */
  readonly names: (folder: string) => readonly string[];
};

const MAX_DEPTH = 10;

/** A shell pattern with * ? and [] for one file name, as glob(3) matches it: a leading dot only literally. */
function namePattern(pattern: string): RegExp {
  const source = pattern.replace(/\[!|[.+^${}()|\\*?]/g, (token) => {
    if (token === "*") return ".*";
    if (token === "?") return ".";
    return token === "[!" ? "[^" : `\\${token}`;
  });
  return new RegExp(`^${pattern.startsWith(".") ? "" : "(?!\\.)"}${source}$`, "s");
}

function included(pattern: string, from: string, files: ConfigFiles): string[] {
  const absolute = posix.resolve(posix.dirname(from), pattern);
  const folder = posix.dirname(absolute);
  const matcher = namePattern(posix.basename(absolute));
  return files
    .names(folder)
    .filter((name) => matcher.test(name))
    .map((name) => posix.join(folder, name));
}

/**
 * Folders that ld.so.conf names, in order, without repetition (ldconfig(8)): comments, `include` with a pattern in its
 * last part, the obsolete `hwcap` lines and `=type` endings. Relative folders are left out, as ldconfig does.
 * @throws RangeError if files include each other without end
 */
export function ldSoConfFolders(files: ConfigFiles, path = "/etc/ld.so.conf", depth = 0): string[] {
  if (depth > MAX_DEPTH) throw new RangeError(`${path}: more than ${MAX_DEPTH} files include each other`);
  const folders = (files.read(path) ?? "").split("\n").flatMap((line) => {
    const [word = "", ...rest] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (word === "include")
      return rest
        .flatMap((pattern) => included(pattern, path, files))
        .flatMap((file) => ldSoConfFolders(files, file, depth + 1));
    const folder = word.replace(/=.*/, "").replace(/(?<=.)\/+$/, "");
    return word !== "hwcap" && folder.startsWith("/") ? [folder] : [];
  });
  return [...new Set(folders)];
}

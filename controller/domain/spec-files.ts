import { ReleaseError } from "./errors.ts";

/** The files of one folder: path below that folder (`release.yaml`, `extra/motd`) to content. */
export type SpecFiles = ReadonlyMap<string, Uint8Array>;

/** One file of a commit. `content: null` removes it; text is stored as UTF-8. */
export type FileChange = { readonly path: string; readonly content: string | Uint8Array | null };

const FORBIDDEN = /[\p{Cc}\\]/u;

/** Why git or a checkout could not hold this path, or null if it can. */
function fault(path: string): string | null {
  if (path === "") return "is empty";
  if (path.startsWith("/")) return "is absolute";
  if (!path.isWellFormed()) return "is not valid Unicode";
  if (FORBIDDEN.test(path)) return "has a control character or a backslash";
  for (const segment of path.split("/")) {
    if (segment === "" || segment === "." || segment === "..") return `has the segment "${segment}"`;
    if (segment.toLowerCase() === ".git") return "reaches into a git directory";
    if (new TextEncoder().encode(segment).byteLength > 255) return "has a name of more than 255 bytes";
  }
  return null;
}

/**
 * The same path, once it is known to be relative and to climb nowhere. Segments are separated by `/`.
 * @throws ReleaseError SpecInvalid
 */
export function checkedPath(path: string): string {
  const problem = fault(path);
  if (problem === null) return path;
  throw new ReleaseError(
    "SpecInvalid",
    `the path ${JSON.stringify(path)} ${problem}`,
    "name files of a spec by a plain relative path, such as specs/demo/release.yaml",
  );
}

/** Whether two contents are the same bytes. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);

/** Whether a file that holds `before`, or null if there is none, is another one with `content`. */
export function changesFile(before: Uint8Array | null, content: FileChange["content"]): boolean {
  if (before === null || content === null) return before !== content;
  return !sameBytes(before, typeof content === "string" ? new TextEncoder().encode(content) : content);
}

/**
 * Bytes as text.
 * @throws ReleaseError SpecInvalid if they are not UTF-8
 */
export function textOf(path: string, content: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
  } catch (cause) {
    throw new ReleaseError("SpecInvalid", `${path} is not UTF-8 text`, "save the file as UTF-8", { cause });
  }
}

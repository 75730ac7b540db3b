/** One line of a SHA256SUMS file. */
export type Sum = { readonly path: string; readonly sha256: string };

const LINE = /^([0-9a-f]{64}) [ *](\S+)$/;

/** A path that names something below the folder it is read in. */
const isBelow = (path: string): boolean =>
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/**
 * The lines of a SHA256SUMS file, as sha256sum(1) writes it: `<64 hex>  <path>`. The paths stay below the file's own
 * folder and hold no blanks.
 * @returns the number of the first line that is none, from 1, where there is one
 */
export function parseSumLines(text: string): { readonly sums: readonly Sum[] } | { readonly line: number } {
  const lines = text.split("\n");
  const sums: Sum[] = [];
  for (const [index, line] of lines.entries()) {
    if (line === "" && index === lines.length - 1) break;
    const [, sha256, path] = LINE.exec(line) ?? [];
    if (sha256 === undefined || path === undefined || !isBelow(path)) return { line: index + 1 };
    sums.push({ path, sha256 });
  }
  return { sums };
}

/** A SHA256SUMS file for `sha256sum -c`, in order of path. */
export const serializeSums = (sums: readonly Sum[]): string =>
  sums
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sha256 }) => `${sha256}  ${path}\n`)
    .join("");

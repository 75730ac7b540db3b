import { type FileChange, sameBytes, type SpecFiles } from "./spec-files.ts";

/** A folder, or a single file, that a checkout and the repository both may have. */
export type ImportSubject = {
  /** its path in the repository */
  readonly path: string;
  /** what the checkout has: a file's bytes, or the files of a folder by path below it */
  readonly checkout: Uint8Array | SpecFiles;
  /** whether any commit of the repository held exactly that */
  readonly known: boolean;
  /** the files of the repository's tip at that path; not read for a single file */
  readonly tip: SpecFiles;
};

/**
 * What of a checkout goes into the repository. A content that the repository ever held is not imported: it was, and
 * what the repository made of it since, such as a bump, is the truth. Any other content replaces the tip's, whole.
 */
export function decideImport({ path, checkout, known, tip }: ImportSubject): readonly FileChange[] {
  if (known) return [];
  if (checkout instanceof Uint8Array) return [{ path, content: checkout }];
  const removed = [...tip.keys()].filter((name) => !checkout.has(name));
  const written = [...checkout].filter(([name, content]) => {
    const before = tip.get(name);
    return before === undefined || !sameBytes(before, content);
  });
  return [
    ...removed.map((name) => ({ path: `${path}/${name}`, content: null })),
    ...written.map(([name, content]) => ({ path: `${path}/${name}`, content })),
  ];
}

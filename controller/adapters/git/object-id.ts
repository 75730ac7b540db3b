import { createHash } from "node:crypto";
import type { SpecFiles } from "../../domain/spec-files.ts";

/** Hash that names a repository's objects (git-rev-parse(1), --show-object-format). */
export type ObjectFormat = "sha1" | "sha256";

function objectId(format: ObjectFormat, type: "blob" | "tree", content: Uint8Array): string {
  return createHash(format).update(`${type} ${content.byteLength}\0`).update(content).digest("hex");
}

/** The id git gives a file's bytes (Pro Git, "Git Internals - Git Objects"). */
export const blobId = (format: ObjectFormat, content: Uint8Array): string => objectId(format, "blob", content);

/**
 * The id git gives a folder of plain files: entries `<mode> <name>\0<raw id>` in the order of their names' bytes,
 * a folder's name counting as if it ended in a slash (git's base_name_compare).
 */
export function treeId(format: ObjectFormat, files: SpecFiles): string {
  const folders = new Map<string, Map<string, Uint8Array>>();
  const entries: { readonly name: string; readonly mode: "100644" | "40000"; readonly id: string }[] = [];
  for (const [path, content] of files) {
    const slash = path.indexOf("/");
    if (slash === -1) {
      entries.push({ name: path, mode: "100644", id: blobId(format, content) });
      continue;
    }
    const name = path.slice(0, slash);
    const folder = folders.get(name) ?? new Map<string, Uint8Array>();
    folders.set(name, folder.set(path.slice(slash + 1), content));
  }
  for (const [name, content] of folders) entries.push({ name, mode: "40000", id: treeId(format, content) });
  const sortKey = ({ name, mode }: { name: string; mode: string }) => Buffer.from(mode === "40000" ? `${name}/` : name);
  const sorted = entries.toSorted((a, b) => Buffer.compare(sortKey(a), sortKey(b)));
  return objectId(
    format,
    "tree",
    Buffer.concat(sorted.flatMap(({ name, mode, id }) => [Buffer.from(`${mode} ${name}\0`), Buffer.from(id, "hex")])),
  );
}

import { lstat } from "node:fs/promises";
import { posix } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import type { TarEntry } from "./tar-stream.ts";
import { fileContent } from "./tree-entries.ts";

/** Where a file's content is: the path of another file, or here. */
export type Content = string | Uint8Array;

/** Every folder above a path, the highest first. */
function foldersAbove(path: string): string[] {
  const folder = posix.dirname(path);
  return folder === "." ? [] : [...foldersAbove(folder), folder];
}

async function described(content: Content) {
  if (typeof content !== "string") {
    return {
      ...{ mode: 0o644, size: content.byteLength },
      content: async function* () {
        yield content;
      },
    };
  }
  const stats = await lstat(content).catch(() => undefined);
  if (stats?.isFile() !== true) {
    throw new ReleaseError("InputMissing", `${content} is not a file`, "restore it with git checkout, or run: npm ci");
  }
  const mode = (stats.mode & 0o111) === 0 ? 0o644 : 0o755;
  return { mode, size: stats.size, content: fileContent(content, stats.size) };
}

/**
 * Files at places of a layer, with all folders above them, in byte order of paths: owned by root, readable by all, and
 * executable if the original is. So neither umask nor owner of a checkout can be seen in an image.
 * @param files content by path in the layer
 * @throws ReleaseError InputMissing if an original is no file
 */
export async function placedFiles(files: ReadonlyMap<string, Content>, mtime: number): Promise<TarEntry[]> {
  const owned = { uid: 0, gid: 0, mtime };
  const entries = new Map<string, TarEntry>();
  for (const [path, content] of files) {
    for (const folder of foldersAbove(path)) {
      entries.set(folder, { ...owned, kind: "directory", path: folder, mode: 0o755 });
    }
    entries.set(path, { ...owned, kind: "file", path, ...(await described(content)) });
  }
  return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

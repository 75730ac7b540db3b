import { createReadStream } from "node:fs";
import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { CHUNK_BYTES } from "../../../builders/host/files.ts";
import { walk } from "../../../builders/host/tree.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { TarEntry } from "./tar-stream.ts";

/** Larger files are streamed; smaller ones are read at once, which for a root's thousands of them is much faster. */
const SMALL_BYTES = 4 * 1024 * 1024;

/** The bytes of a file of this size; each chunk is a buffer of its own. */
export const fileContent = (path: string, size: number) =>
  async function* (): AsyncGenerator<Uint8Array, void, void> {
    if (size <= SMALL_BYTES) yield await readFile(path);
    else yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  };

/**
 * Everything below a root as entries of a layer, in byte order of names. Modes, owners, links and time stamps are kept,
 * but none is later than `notAfter` (seconds since 1970): what has a later one got it when the root was made, which says
 * nothing of its content. What is in /dev is left out, since every container gets a /dev of its own, and so that no right to
 * make device nodes is needed to unpack an image. A root that was made with a build's rights has no extended attributes:
 * files get capabilities by CAP_SETFCAP only.
 * @throws ReleaseError Internal if something is neither file, folder nor link; NodeJS.ErrnoException
 */
export async function* treeEntries(root: string, notAfter: number): AsyncGenerator<TarEntry, void, void> {
  const first = new Map<string, string>();
  for await (const { path, stats } of walk(root)) {
    if (path.startsWith("dev/")) continue;
    const mtime = Math.min(Math.floor(stats.mtimeMs / 1000), notAfter);
    const common = { path, mode: stats.mode, uid: stats.uid, gid: stats.gid, mtime };
    const inode = `${stats.dev}:${stats.ino}`;
    const earlier = stats.isFile() && stats.nlink > 1 ? first.get(inode) : undefined;
    if (earlier !== undefined) yield { ...common, kind: "link", target: earlier };
    else if (stats.isFile()) {
      first.set(inode, path);
      yield { ...common, kind: "file", size: stats.size, content: fileContent(join(root, path), stats.size) };
    } else if (stats.isDirectory()) yield { ...common, kind: "directory" };
    else if (stats.isSymbolicLink()) {
      yield { ...common, kind: "symlink", target: await readlink(join(root, path)) };
    } else {
      const message = `${join(root, path)} is neither a file, a folder nor a link`;
      throw new ReleaseError("Internal", message, "find the package that it is of, and leave that out of the lock");
    }
  }
}

import { createHash, hash } from "node:crypto";
import { type Dirent, readFileSync, type Stats } from "node:fs";
import { lstat, readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { Digest } from "../contract/digest.ts";
import { sha256File } from "./files.ts";

const byName = (a: Dirent, b: Dirent): number => (a.name < b.name ? -1 : 1);

/** Every path below `root` in byte order of names, folders before their content, without `root` itself. */
export async function* walk(root: string, below = ""): AsyncGenerator<{ path: string; stats: Stats }> {
  for (const entry of (await readdir(join(root, below), { withFileTypes: true })).sort(byName)) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    yield { path, stats: await lstat(join(root, path)) };
    if (entry.isDirectory()) yield* walk(root, path);
  }
}

/** Larger files are streamed; smaller ones are read at once, which for a root's thousands of them is much faster. */
const SMALL_BYTES = 4 * 1024 * 1024;

async function contentOf(path: string, stats: Stats): Promise<string> {
  if (stats.isFile()) return stats.size > SMALL_BYTES ? sha256File(path) : hash("sha256", readFileSync(path));
  if (stats.isSymbolicLink()) return readlink(path);
  return stats.isBlockDevice() || stats.isCharacterDevice() ? String(stats.rdev) : "";
}

/**
 * One digest for a whole tree: path, mode with type, owner, group and content of every entry. Times are left out:
 * unpacking again must give the same digest.
 * @throws NodeJS.ErrnoException if something below `root` cannot be read
 */
export async function treeDigest(root: string): Promise<Digest> {
  const tree = createHash("sha256");
  for await (const { path, stats } of walk(root)) {
    const content = await contentOf(join(root, path), stats);
    tree.update(JSON.stringify([path, stats.mode, stats.uid, stats.gid, content]));
  }
  return `sha256:${tree.digest("hex")}`;
}

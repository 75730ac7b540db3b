import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestOf } from "../contract/digest.ts";
import { sha256File } from "./files.ts";

/**
 * One digest for the files of an artifact's folder: of their sums as sha256sum(1) lists them, by name. Owner and mode do
 * not count: a pod and the controller see the same files as different users.
 * @throws RangeError if something else than files is in the folder; NodeJS.ErrnoException if it cannot be read
 */
export async function artifactDigest(folder: string): Promise<Digest> {
  const entries = (await readdir(folder, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  let sums = "";
  for (const entry of entries) {
    if (!entry.isFile()) throw new RangeError(`${join(folder, entry.name)} is no file`);
    sums += `${await sha256File(join(folder, entry.name))}  ${entry.name}\n`;
  }
  return digestOf(sums);
}

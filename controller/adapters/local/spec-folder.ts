import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { checkedPath, type SpecFiles } from "../../domain/spec-files.ts";

/**
 * All files below a folder of a checkout, sorted by path.
 * @throws ReleaseError NotFound if there is no such folder; SpecInvalid for a symbolic link or a device, which could
 * lead out of the folder, and for a name that a repository could not hold
 */
export async function readSpecFolder(folder: string): Promise<SpecFiles> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((cause: unknown) => {
    throw new ReleaseError("NotFound", `there is no folder ${folder}`, "name the folder of a release", { cause });
  });
  const files = new Map<string, Uint8Array>();
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => ({ path: checkedPath(relative(folder, join(entry.parentPath, entry.name))), entry }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  for (const { path, entry } of paths) {
    if (!entry.isFile()) {
      throw new ReleaseError(
        "SpecInvalid",
        `${join(folder, path)} is neither a file nor a folder`,
        "put the file itself there instead of a symbolic link",
      );
    }
    files.set(path, new Uint8Array(await readFile(join(folder, path))));
  }
  return files;
}

/** Writes files below a folder, each whole or not at all, in the order given. Others stay as they are. */
export async function writeSpecFiles(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [path, content] of files) await writeFileAtomic(join(folder, checkedPath(path)), content);
}

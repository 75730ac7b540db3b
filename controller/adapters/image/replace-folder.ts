import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";

/** What lies in an image layout and nowhere else. */
const MARK = "oci-layout";

/** The names in a folder; none if there is no such folder. @throws NodeJS.ErrnoException */
async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
}

/**
 * Makes an image layout anew: `make` fills an empty folder, which takes the layout's place once it is whole; `work` is
 * another one on the same file system, for what it needs until then. A layout never
 * moves a tag, and this one says what the sources are now.
 * @throws ReleaseError Usage if something else is at its place; what `make` throws
 */
export async function replaceLayout<T>(folder: string, make: (fresh: string, work: string) => Promise<T>): Promise<T> {
  const names = await namesIn(folder);
  if (names.length > 0 && !names.includes(MARK)) {
    throw new ReleaseError("Usage", `${folder} holds something else than an image layout`, "name another folder");
  }
  const room = join(dirname(folder), `.${basename(folder)}.partial`);
  await rm(room, { recursive: true, force: true });
  for (const part of ["fresh", "work"]) await mkdir(join(room, part), { recursive: true });
  try {
    const made = await make(join(room, "fresh"), join(room, "work"));
    if (names.length > 0) await rename(folder, join(room, "before"));
    await rename(join(room, "fresh"), folder);
    return made;
  } finally {
    await rm(room, { recursive: true, force: true });
  }
}

import { open } from "node:fs/promises";
import { ReleaseError } from "../../domain/errors.ts";

const OTHERS = 0o077;

/**
 * Content of a file that holds a secret; undefined if there is none.
 * @throws ReleaseError KeyUnusable if anybody but its owner may read or write it; NodeJS.ErrnoException
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, "r");
    const { mode } = await file.stat();
    if ((mode & OTHERS) !== 0) {
      throw new ReleaseError(
        "KeyUnusable",
        `${path} is open to others: its mode is ${(mode & 0o777).toString(8).padStart(4, "0")}, it must be 0600`,
        "if nobody else can have read it, run chmod 600 on it; else take its key out of every policy and make a new one",
      );
    }
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

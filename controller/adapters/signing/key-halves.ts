import { mkdir, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { writeFileOnce } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { readPrivateFile } from "./private-file.ts";

/** Two files that are one key, and how its kind of key is made and read. */
export type KeyHalves<Key> = {
  readonly privatePath: string;
  readonly publicPath: string;
  /** text of a new private half */
  readonly create: () => Promise<string>;
  /** Checks a private half. */
  readonly open: (text: string) => Promise<Key>;
  readonly publicText: (key: Key) => string;
  /** whether a public half is this key's */
  readonly belongs: (publicText: string, key: Key) => boolean;
};

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });

/**
 * A key of two files, made on first use. The private half (mode 0600) is written first and says what the public one is:
 * after a crash between the two, the next call writes the other. Of several processes at once one makes the key, and all
 * get it.
 * @throws ReleaseError KeyUnusable if the private half is open to others or lost, or the public half is another key's;
 *   what `create` and `open` throw
 */
export async function openHalves<Key>(halves: KeyHalves<Key>): Promise<Key> {
  const { privatePath, publicPath } = halves;
  await mkdir(dirname(privatePath), { recursive: true, mode: 0o700 });
  const published = await readIfThere(publicPath); // before the private half, which is never younger
  let text = await readPrivateFile(privatePath);
  if (text === undefined) {
    if (published !== undefined) {
      throw new ReleaseError(
        "KeyUnusable",
        `${publicPath} is there, but not the private half, ${privatePath}`,
        "bring it back from a backup; a new key, which no policy knows yet, is made once both are gone",
      );
    }
    await writeFileOnce(privatePath, await halves.create(), 0o600);
    text = (await readPrivateFile(privatePath)) ?? "";
  }
  const key = await halves.open(text);
  if (published === undefined) await writeFileOnce(publicPath, halves.publicText(key));
  else if (!halves.belongs(published, key)) {
    throw new ReleaseError(
      "KeyUnusable",
      `${publicPath} is not the public half of ${privatePath}`,
      `find out which of them was replaced; if the private one is right, remove ${publicPath}: it is written anew`,
    );
  }
  return key;
}

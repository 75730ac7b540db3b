import { chmod, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Hex } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";

/** Texts that programs take from files only, each in a file that nobody else may read. */
export type PrivateTexts = {
  /** path of the file that holds the text kept under this name; a new text takes the old one's place, whole */
  readonly keep: (name: string, text: string) => Promise<string>;
};

/** Keeps texts below `folder` (absolute path), which should lie in memory. */
export function privateTexts(folder: string): PrivateTexts {
  return {
    keep: async (name, text) => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chmod(folder, 0o700);
      const path = join(folder, sha256Hex(name).slice(0, 32));
      const before = await readFile(path, "utf8").catch(() => undefined);
      if (before !== text) await writeFileAtomic(path, text, 0o600);
      return path;
    },
  };
}

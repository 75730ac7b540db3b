import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { stableJson } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { EMPTY_INDEX, ImageIndex } from "../../domain/oci.ts";
import { withStateLock } from "../local/state-lock.ts";

/** A layout's `index.json`, which names its manifests and tags (OCI image-layout.md). */
export type LayoutIndex = {
  readonly read: () => Promise<ImageIndex>;
  /** Writes what `change` makes of it, alone; the same index is not written. */
  readonly update: (change: (index: ImageIndex) => ImageIndex, signal: AbortSignal) => Promise<void>;
};

const MARK = "oci-layout";

/** Nobody is told of a writer that is waited for: it takes milliseconds. */
const SILENT = { onWait: () => undefined, onTakeover: async () => undefined };

const unusable = (path: string, cause: unknown): ReleaseError =>
  new ReleaseError(
    "RegistryRefused",
    `${path} is not of an OCI image layout: ${cause instanceof Error ? cause.message.split("\n")[0] : String(cause)}`,
    "name a folder that holds a layout, or one that does not exist yet",
    { cause },
  );

/** The index of the layout in `directory`, which is made on the first update. */
export function layoutIndex(directory: string): LayoutIndex {
  const path = join(directory, "index.json");
  let last: Promise<unknown> = Promise.resolve();
  const read = async (): Promise<ImageIndex> => {
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
      throw error;
    });
    if (text === null) return EMPTY_INDEX;
    try {
      return ImageIndex.parse(JSON.parse(text));
    } catch (cause) {
      throw unusable(path, cause);
    }
  };
  const write = async (change: (index: ImageIndex) => ImageIndex): Promise<void> => {
    const before = await read();
    const after = change(before);
    if (after === before) return;
    await writeFileAtomic(join(directory, MARK), stableJson({ imageLayoutVersion: "1.0.0" }));
    await writeFileAtomic(path, stableJson(after));
  };
  return {
    read,
    update: async (change, signal) => {
      // first come, first served in this process; the lock is for other processes
      const turn = last.then(async () => {
        await mkdir(directory, { recursive: true });
        await withStateLock(directory, signal, SILENT, () => write(change));
      });
      last = turn.catch(() => undefined);
      await turn;
    },
  };
}

import { mkdir, readFile, realpath } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { stableJson } from "../../../builders/contract/digest.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { EMPTY_INDEX, ImageIndex } from "../../domain/oci.ts";
import { withStateLock } from "../local/state-lock.ts";
import { errorCode } from "../error-code.ts";
import { inTurn } from "./in-turn.ts";
import { BLOBS, INGEST, removeLeftovers, sync } from "./layout-intake.ts";

const MARK = "oci-layout";
const INDEX = "index.json";
const Mark = z.object({ imageLayoutVersion: z.literal("1.0.0") });

const damaged = (path: string, cause: unknown): ReleaseError =>
  new ReleaseError(
    "RegistryRefused",
    `${path} is not what an OCI image layout has there`,
    "restore it, or name another folder",
    {
      cause,
    },
  );

/** Nobody is told of a writer that is waited for: it takes milliseconds. */
const SILENT = { onWait: () => undefined, onTakeover: async () => undefined };

/** Runs `work` as the only writer of a layout's index, in this process and any other of this machine. */
const asOnlyWriter = <T>(layout: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
  inTurn(layout, () => withStateLock(join(layout, INGEST), signal, SILENT, work));

/** The text of a file; undefined if there is none. */
async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

function parsed<T>(schema: z.ZodType<T>, path: string, text: string | undefined): T {
  try {
    return schema.parse(JSON.parse(text ?? ""));
  } catch (cause) {
    throw damaged(path, cause);
  }
}

/**
 * The index of a layout: its manifests, those with a tag annotated with it. A folder without the mark of a layout has none.
 * @throws ReleaseError RegistryRefused if it is of another version, or damaged; NodeJS.ErrnoException if it cannot be read
 */
export async function readIndex(layout: string): Promise<ImageIndex> {
  const [mark, index] = [join(layout, MARK), join(layout, INDEX)];
  const found = await readIfThere(mark);
  if (found === undefined) return EMPTY_INDEX;
  parsed(Mark, mark, found);
  return parsed(ImageIndex, index, await readIfThere(index));
}

/**
 * Replaces the index by what `change` makes of it; nothing is written if that is the same object. What it lists is on disk
 * for good before it is.
 * @throws as {@link readIndex}; what `change` throws
 */
export const changeIndex = (
  layout: string,
  signal: AbortSignal,
  change: (index: ImageIndex) => ImageIndex,
): Promise<void> =>
  asOnlyWriter(layout, signal, async () => {
    const index = await readIndex(layout);
    const changed = change(index);
    if (changed === index) return;
    await sync(join(layout, BLOBS));
    await writeFileAtomic(join(layout, INDEX), stableJson(changed));
    await sync(layout);
  });

/**
 * Makes the folder a layout unless it is one, and clears away what killed processes left there.
 * @returns its path without links: one name for one folder, by which its writers take turns
 * @throws as {@link readIndex}
 */
export async function prepareLayout(directory: string, signal: AbortSignal): Promise<string> {
  await mkdir(join(directory, BLOBS), { recursive: true });
  await mkdir(join(directory, INGEST), { recursive: true });
  const layout = await realpath(directory);
  await asOnlyWriter(layout, signal, async () => {
    await removeLeftovers(layout);
    const [mark, index] = [join(layout, MARK), join(layout, INDEX)];
    if ((await readIfThere(mark)) !== undefined) return;
    // the mark is last: a folder that has it has an index
    if ((await readIfThere(index)) === undefined) await writeFileAtomic(index, stableJson(EMPTY_INDEX));
    await writeFileAtomic(mark, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  });
  await readIndex(layout);
  return layout;
}

import { BuildError } from "../contract/build-failure.ts";
import { MIB } from "./disk-layout.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/** A file to put into a FAT file system: `source` on the builder's side, `target` below the root, with slashes. */
export type FatFile = { readonly source: string; readonly target: string };

export type FatImage = {
  /** the file that holds it, and where: zeros so far */
  readonly path: string;
  readonly startMiB: number;
  readonly sizeMiB: number;
  /** at most 11 characters */
  readonly label: string;
  /** 32 bits in hex, from {@link fatVolumeId} */
  readonly volumeId: string;
  readonly files: readonly FatFile[];
};

/** The 32-bit volume ID that stands for a UUID: its first eight digits. */
export const fatVolumeId = (uuid: string): string => uuid.slice(0, 8);

const SECTOR_BYTES = 512;

/** Every folder that the targets lie in, parents first, in byte order. */
export function fatFolders(files: readonly FatFile[]): string[] {
  const folders = new Set<string>();
  for (const { target } of files) {
    const parts = target.split("/").slice(0, -1);
    parts.forEach((_, index) => folders.add(parts.slice(0, index + 1).join("/")));
  }
  return [...folders].toSorted();
}

const TARGET = /^[A-Za-z0-9_.-]+(\/[A-Za-z0-9_.-]+)*$/;

/**
 * Makes a FAT32 file system in a place of a file, such as a partition of a disk image, folder by folder and file by
 * file in byte order: `mcopy -s` would take the order of the builder's folders. Time stamps are the epoch's, since
 * mtools takes SOURCE_DATE_EPOCH for now.
 * @throws BuildError OutputInvalid for a target that is no plain path, StepFailed if something does not fit
 */
export async function makeFatImage(context: StepContext, step: string, image: FatImage): Promise<void> {
  const bad = image.files.find(({ target }) => !TARGET.test(target) || target.split("/").includes(".."));
  if (bad !== undefined) {
    const message = `${JSON.stringify(bad.target)} is no path for a FAT file system`;
    throw new BuildError({
      code: "OutputInvalid",
      step,
      message,
      remedy: "use letters, digits, dots, dashes, slashes",
    });
  }
  const run = (program: string, ...args: string[]) => runTool(context, { step, program, args });
  // everything that mkfs.fat would work out from size and host is given: 512-byte sectors, 4 KiB clusters
  const geometry = ["-F", "32", "-S", "512", "-s", "8", "-R", "32", "-f", "2", "-g", "255/63", "-h", "0"];
  const start = image.startMiB * MIB;
  const place = `${image.path}@@${start}`;
  await run(
    "mkfs.fat",
    ...["--invariant", ...geometry, "-n", image.label, "-i", image.volumeId],
    ...[`--offset=${start / SECTOR_BYTES}`, image.path, String(image.sizeMiB * 1024)],
  );
  for (const folder of fatFolders(image.files)) await run("mmd", "-i", place, `::${folder}`);
  for (const { source, target } of image.files.toSorted((a, b) => (a.target < b.target ? -1 : 1))) {
    await run("mcopy", "-i", place, source, `::${target}`);
  }
  await perturb(context, "fat", image.path, start);
}

import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { isUtf8 } from "node:buffer";
import { BuildError } from "../contract/build-failure.ts";
import type { InspectedContent, Inspection } from "../contract/inspection.ts";
import { installedPackages } from "../contract/dpkg-status.ts";
import { hashFile } from "../host/hash-file.ts";
import { gptPartition } from "./gpt.ts";
import { inspectInitramfs, inspectPe } from "./inspect-boot.ts";
import { inspectErofs, inspectExt4, inspectFat, type InspectOptions } from "./inspect-file-system.ts";
import { mbrPartition, SECTOR_BYTES } from "./mbr.ts";
import { guestAccess } from "./qcow2-clusters.ts";
import { openFile, type RandomAccess } from "./random-access.ts";
import { recognise, type Recognised, RECOGNISED_FORMATS } from "./recognise.ts";

const MAX_TEXT_BYTES = 64 * 1024;
const MAX_STATUS_BYTES = 4 * 1024 * 1024;
/** Formats in formats; as deep as {@link locateIn} goes. */
const MAX_DEPTH = 16;
/** Messages in the first sector of GRUB's boot.img, and in that of core.img (GRUB 2.12, boot.S and diskboot.S). */
const GRUB = { boot: "GRUB \0Geom\0", core: "Geom\0Read\0 Error\0" } as const;

async function firstSector(image: RandomAccess): Promise<string> {
  return Buffer.from(await image.readAt(0, Math.min(SECTOR_BYTES, image.size))).toString("latin1");
}

async function bootCode(image: RandomAccess): Promise<"none" | "grub" | "other"> {
  const sector = await firstSector(image);
  if (sector.includes(GRUB.boot)) return "grub";
  return /^\0*$/.test(sector.slice(0, 440)) ? "none" : "other";
}

async function inspectDisk(
  image: RandomAccess,
  known: Extract<Recognised, { format: "gpt" | "mbr" }>,
  inside: (image: RandomAccess) => Promise<InspectedContent | null>,
): Promise<InspectedContent> {
  const code = await bootCode(image);
  if (known.format === "gpt") {
    const { diskGuid, faults, partitions } = known.gpt;
    const list = [];
    for (const partition of partitions) {
      const { number, name, typeGuid, uniqueGuid, offset, length } = partition;
      const content = await inside(gptPartition(image, partition));
      list.push({ ...{ number, name, offset, content }, type: typeGuid, uuid: uniqueGuid, sizeBytes: length });
    }
    return { format: "gpt", id: diskGuid, bootCode: code, faults: [...faults], partitions: list };
  }
  const { diskId, partitions } = known.mbr;
  const list = [];
  for (const partition of partitions) {
    const { number, type, offset, length } = partition;
    const content = await inside(mbrPartition(image, partition));
    const hex = `0x${type.toString(16).padStart(2, "0")}`;
    list.push({ ...{ number, offset, content }, name: "", type: hex, uuid: null, sizeBytes: length });
  }
  const id = `0x${diskId.toString(16).padStart(8, "0")}`;
  return { format: "mbr", id, bootCode: code, faults: [], partitions: list };
}

/**
 * What an image is and holds; null if it is nothing that {@link RECOGNISED_FORMATS} names.
 * @throws BuildError OutputInvalid if something in it bears the mark of a format and cannot be read as such
 */
export async function inspectImage(
  image: RandomAccess,
  options: InspectOptions,
  depth = 0,
): Promise<InspectedContent | null> {
  options.signal?.throwIfAborted();
  const known = depth < MAX_DEPTH ? await recognise(image) : null;
  if (known === null) return (await firstSector(image)).includes(GRUB.core) ? { format: "grub-core" } : null;
  const inside = (inner: RandomAccess) => inspectImage(inner, options, depth + 1);
  switch (known.format) {
    case "qcow2": {
      const { version, clusterBytes, virtualSize, compression } = known.qcow2;
      const content = await inside(guestAccess(image, known.qcow2));
      return { format: "qcow2", version, clusterBytes, virtualSizeBytes: virtualSize, compression, content };
    }
    case "gpt":
    case "mbr":
      return inspectDisk(image, known, inside);
    case "fat":
      return inspectFat(image, known.fat, inside, options);
    case "ext4":
      return inspectExt4(image, known.ext4, options);
    case "erofs":
      return inspectErofs(image, known.erofs, options);
    case "pe":
      return inspectPe(image, known.pe, inside);
    case "initramfs":
      return inspectInitramfs(image, inside, options);
  }
}

/** A small file of text beside an artifact's images: its command line, its checksums. */
async function textOf(image: RandomAccess): Promise<InspectedContent | null> {
  if (image.size > MAX_TEXT_BYTES) return null;
  const bytes = await image.readAt(0, image.size);
  return isUtf8(bytes) && !bytes.includes(0) ? { format: "text", text: Buffer.from(bytes).toString("utf8") } : null;
}

/** dpkg's record of a root, as a run leaves it beside its artifacts. */
async function statusOf(image: RandomAccess, options: InspectOptions): Promise<InspectedContent | null> {
  if (image.size > MAX_STATUS_BYTES) return null;
  const packages = installedPackages(Buffer.from(await image.readAt(0, image.size)).toString("utf8"));
  if (packages === null) return null;
  return { format: "dpkg-status", installed: packages.length, ...(options.files ? { packages } : {}) };
}

async function inspectFile(path: string, withText: boolean, options: InspectOptions) {
  const { sha256, sizeBytes, fsverity } = await hashFile(path);
  await using image = await openFile(path);
  const content =
    (await inspectImage(image, options)) ?? (await statusOf(image, options)) ?? (withText ? await textOf(image) : null);
  if (content === null) {
    throw new BuildError({
      code: "InvalidRequest",
      step: "inspect",
      message: `${path} is none of ${RECOGNISED_FORMATS}; nor is it a dpkg status`,
      remedy: "name an artifact that imgrel built: its folder, or one of its images",
    });
  }
  return { file: basename(path), sizeBytes, sha256, fsverityDigest: fsverity.digest, content };
}

/**
 * What an artifact holds: a file, or a folder with the files of one artifact, small text files among them.
 * @throws BuildError InvalidRequest (nothing that imgrel makes; an empty folder), OutputInvalid (damaged);
 *   NodeJS.ErrnoException if something cannot be read; the signal's reason if it fires
 */
export async function inspectArtifact(path: string, options: InspectOptions): Promise<Inspection> {
  if (!(await stat(path)).isDirectory()) {
    return { schemaVersion: 1, artifacts: [await inspectFile(path, false, options)] };
  }
  const entries = await readdir(path, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  if (names.length === 0) {
    throw new BuildError({
      code: "InvalidRequest",
      step: "inspect",
      message: `${path} holds no file`,
      remedy: "name the folder of one artifact, such as images/kernel-initrd/amd64",
    });
  }
  const artifacts = [];
  for (const name of names.toSorted()) artifacts.push(await inspectFile(join(path, name), true, options));
  return { schemaVersion: 1, artifacts };
}

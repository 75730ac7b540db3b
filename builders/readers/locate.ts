import type { Location } from "../contract/location.ts";
import { locateInErofs } from "./erofs-locate.ts";
import { locateInExt4 } from "./ext4-locate.ts";
import { locateInFat } from "./fat-locate.ts";
import type { Found } from "./found.ts";
import { locateInGpt } from "./gpt.ts";
import { isImageFault } from "./image-fault.ts";
import { locateInInitramfs } from "./initramfs-locate.ts";
import { locateInMbr } from "./mbr.ts";
import { locateInPe } from "./pe.ts";
import { locateInQcow2 } from "./qcow2-locate.ts";
import { openFile, type RandomAccess } from "./random-access.ts";
import { FORMAT_NAMES, recognise, type Recognised } from "./recognise.ts";

/** Formats in formats: a disk in a qcow2, a UKI on its ESP, a root image in the UKI's initramfs. */
const MAX_DEPTH = 16;

function find(image: RandomAccess, known: Recognised, offset: number): Found | Promise<Found> {
  switch (known.format) {
    case "qcow2":
      return locateInQcow2(image, known.qcow2, offset);
    case "gpt":
      return locateInGpt(image, known.gpt, offset);
    case "mbr":
      return locateInMbr(image, known.mbr, offset);
    case "fat":
      return locateInFat(image, known.fat, offset);
    case "ext4":
      return locateInExt4(image, known.ext4, offset);
    case "erofs":
      return locateInErofs(image, known.erofs, offset);
    case "pe":
      return locateInPe(image, known.pe, offset);
    case "initramfs":
      return locateInInitramfs(image, offset);
  }
}

/**
 * The way to byte `offset` of an image, from outside to inside, as far as formats are recognised: no step at all for
 * plain data. Where a format's own damage ends the way, the last step says so.
 * @throws RangeError if the image has no such byte; what reading it throws, except faults of its content
 */
export async function locateIn(image: RandomAccess, offset: number): Promise<Location[]> {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset >= image.size) {
    throw new RangeError(`${image.name} has ${image.size} bytes, none at ${offset}`);
  }
  const way: Location[] = [];
  let inner: Found["inside"] = { image, offset };
  for (let depth = 0; inner !== null && depth < MAX_DEPTH; depth++) {
    const at: number = inner.offset;
    try {
      const known = await recognise(inner.image);
      if (known === null) break;
      way.push({ kind: "format", name: FORMAT_NAMES[known.format], offset: at });
      const found = await find(inner.image, known, at);
      way.push(...found.locations);
      inner = found.inside;
    } catch (error) {
      if (!isImageFault(error)) throw error;
      way.push({ kind: "structure", name: `not readable: ${error.message}`, offset: at });
      break;
    }
  }
  return way;
}

/**
 * {@link locateIn} of a file.
 * @throws RangeError as there; NodeJS.ErrnoException if the file cannot be read
 */
export async function locate(path: string, offset: number): Promise<Location[]> {
  await using image = await openFile(path);
  return await locateIn(image, offset); // the file is open until it is done
}

import { type Erofs, readErofs } from "./erofs-superblock.ts";
import { type Ext4, readExt4 } from "./ext4-superblock.ts";
import { type Fat, readFat } from "./fat.ts";
import { type Gpt, readGpt } from "./gpt.ts";
import { startsInitramfs } from "./initramfs-locate.ts";
import { type Mbr, readMbr } from "./mbr.ts";
import { type Pe, readPe } from "./pe.ts";
import { type Qcow2, readQcow2 } from "./qcow2.ts";
import type { RandomAccess } from "./random-access.ts";

/** An image whose content is of a format that this project makes. */
export type Recognised =
  | { readonly format: "qcow2"; readonly qcow2: Qcow2 }
  | { readonly format: "gpt"; readonly gpt: Gpt }
  | { readonly format: "mbr"; readonly mbr: Mbr }
  | { readonly format: "fat"; readonly fat: Fat }
  | { readonly format: "ext4"; readonly ext4: Ext4 }
  | { readonly format: "erofs"; readonly erofs: Erofs }
  | { readonly format: "pe"; readonly pe: Pe }
  | { readonly format: "initramfs" };

/** What {@link recognise} looks for, as people call it. */
export const RECOGNISED_FORMATS =
  "qcow2, GPT, MBR, FAT, ext4, erofs, PE (UEFI program, kernel, UKI), cpio archives and zstd frames of them";

/** How a format is called in a location. */
export const FORMAT_NAMES: Readonly<Record<Recognised["format"], string>> = {
  qcow2: "qcow2 image",
  gpt: "GPT disk",
  mbr: "MBR disk",
  fat: "FAT file system",
  ext4: "ext4 file system",
  erofs: "erofs file system",
  pe: "PE image",
  initramfs: "initramfs",
};

/**
 * What an image is, by its content; null if it is nothing that {@link RECOGNISED_FORMATS} names.
 * @throws BuildError OutputInvalid if it bears the mark of a format and cannot be read as such
 */
export async function recognise(image: RandomAccess): Promise<Recognised | null> {
  const qcow2 = await readQcow2(image);
  if (qcow2 !== null) return { format: "qcow2", qcow2 };
  const gpt = await readGpt(image);
  if (gpt !== null) return { format: "gpt", gpt };
  // before MBR: a FAT boot sector ends with the same two bytes
  const fat = await readFat(image);
  if (fat !== null) return { format: "fat", fat };
  const ext4 = await readExt4(image);
  if (ext4 !== null) return { format: "ext4", ext4 };
  const erofs = await readErofs(image);
  if (erofs !== null) return { format: "erofs", erofs };
  const pe = await readPe(image);
  if (pe !== null) return { format: "pe", pe };
  const mbr = await readMbr(image);
  if (mbr !== null) return { format: "mbr", mbr };
  return (await startsInitramfs(image)) ? { format: "initramfs" } : null;
}

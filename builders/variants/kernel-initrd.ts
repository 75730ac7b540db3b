import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { commandLine } from "../steps/command-line.ts";
import { embedRootImage } from "../steps/embed.ts";
import type { VariantMaker } from "./variant-maker.ts";

/**
 * kernel, initramfs and command line for `qemu -kernel -initrd` and anything else that loads these two itself. There
 * is no disk, so the root image lies inside the initramfs.
 */
export const kernelInitrd: VariantMaker = async (context, ingredients, folder) => {
  await copyFile(ingredients.kernel.image, join(folder, "kernel"));
  await embedRootImage(
    ingredients.initramfs,
    ingredients.rootImage.path,
    join(folder, "initramfs.cpio.zst"),
    context.epoch,
  );
  await writeFile(join(folder, "cmdline"), `${commandLine(ingredients.arch, ingredients.rootImage.hash)}\n`);
  return ["kernel", "initramfs.cpio.zst", "cmdline"];
};

import { copyFile } from "node:fs/promises";
import { appendCpio } from "./cpio.ts";

/** Where the initramfs of a variant without a disk looks for its root image. */
const EMBEDDED = "powernode/root.erofs";

/**
 * An initramfs that carries its root image: `initramfs` as it is, then an uncompressed cpio with the image, which the
 * kernel unpacks after it into the same file system.
 * @param mtime time stamp of the members, seconds since 1970
 */
export async function embedRootImage(
  initramfs: string,
  rootImage: string,
  output: string,
  mtime: number,
): Promise<void> {
  await copyFile(initramfs, output);
  await appendCpio(
    output,
    [
      { name: "powernode", type: "directory", permissions: 0o755 },
      { name: EMBEDDED, type: "file", permissions: 0o444, content: { path: rootImage } },
    ],
    mtime,
  );
}

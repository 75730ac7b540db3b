import { readFile } from "node:fs/promises";
import { zstdDecompressSync } from "node:zlib";

/** Images of a few hundred KiB that the real tools made: test/fakes/images/make.sh says how. */
export const SMALL_IMAGES = [
  "plain-erofs",
  "erofs",
  "legacy-erofs",
  "composefs",
  "ext4",
  "fat",
  "fat32",
  "gpt",
  "mbr",
  "qcow2",
  "zlib-qcow2",
] as const;
export type SmallImage = (typeof SMALL_IMAGES)[number];

/** UUID of the file systems and of the GPT disk's first partition. */
export const SMALL_IMAGE_UUID = "11111111-2222-8333-8444-555555555555";

/** The bytes of an image, a fresh copy for each call. */
export async function smallImage(name: SmallImage): Promise<Buffer> {
  return zstdDecompressSync(await readFile(new URL(`images/${name}.zst`, import.meta.url)));
}

/** What /usr/bin/long holds in each of them. */
export const LONG_FILE = `${Array.from({ length: 1500 }, (_, index) => `${index + 1}\n`).join("")}${"words\n".repeat(2000)}`;

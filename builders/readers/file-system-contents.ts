import type { ContentsReader, Item } from "./contents.ts";
import { attributeText, erofsAttributes } from "./erofs-attributes.ts";
import { decodedAccess, isDecodable, storedAccess } from "./erofs-data.ts";
import { type Erofs, readErofs } from "./erofs-superblock.ts";
import { type ErofsFile, erofsLinkTarget, walkErofs } from "./erofs-walk.ts";
import { readExt4 } from "./ext4-superblock.ts";
import { ext4LinkTarget, walkExt4 } from "./ext4-walk.ts";
import { walkFat } from "./fat-directory.ts";
import { readFat } from "./fat.ts";
import { fileAccess, type ImageFile } from "./image-file.ts";
import type { RandomAccess } from "./random-access.ts";

/** Where a file's own bytes lie: without what its last block has behind its end. */
const contentOf = ({ extents, size }: ImageFile): Item["covers"] =>
  extents.flatMap(({ offset, length, at }) => (offset < size ? [{ at, length: Math.min(length, size - offset) }] : []));

/** A file or folder of a file system. A folder's bytes are records, not content. */
function fileItem(image: RandomAccess, file: ImageFile, facts: Record<string, string>): Item {
  const holds = file.type === "file" || file.type === "symlink";
  return {
    trail: [{ kind: "path", name: file.path, offset: 0 }],
    facts: {
      type: file.type,
      ...(file.mode === null ? {} : { mode: file.mode.toString(8).padStart(4, "0") }),
      ...(file.type === "file" ? { size: String(file.size) } : {}),
      ...facts,
    },
    open: file.type === "file" ? async () => fileAccess(image, file) : null,
    covers: holds ? contentOf(file) : [],
  };
}

/** Files and folders of a FAT file system. */
export const fatContents: ContentsReader = async (image) => {
  const fat = await readFat(image);
  if (fat === null) return null;
  const items: Item[] = [];
  for await (const file of walkFat(image, fat)) items.push(fileItem(image, file, {}));
  return { format: "FAT file system", items, exact: true };
};

/** How a compressed file is read: its content where the algorithm is known, else its bytes as they are stored. */
function erofsReading(image: RandomAccess, erofs: Erofs, file: ErofsFile): Partial<Item> {
  if (file.type !== "file" || !file.compressed) return {};
  const stored = storedAccess(image, file);
  return { stored, open: async () => (isDecodable(erofs, file) ? decodedAccess(image, file) : stored), covers: [] };
}

/** Files and folders of an erofs file system; of a composefs their digests are attributes. */
export const erofsContents: ContentsReader = async (image) => {
  const erofs = await readErofs(image);
  if (erofs === null) return null;
  const items: Item[] = [];
  for await (const file of walkErofs(image, erofs)) {
    const attributes = await erofsAttributes(image, erofs, file.inode);
    const facts: Record<string, string> = {
      ...Object.fromEntries(attributes.map((attribute) => [attribute.name, attributeText(attribute)])),
      owner: `${file.inode.uid}:${file.inode.gid}`,
      ...(file.type === "symlink" ? { target: await erofsLinkTarget(image, file) } : {}),
    };
    items.push({ ...fileItem(image, file, facts), ...erofsReading(image, erofs, file) });
  }
  return { format: "erofs file system", items, exact: false };
};

/** Files and folders of an ext4 file system. */
export const ext4Contents: ContentsReader = async (image) => {
  const ext4 = await readExt4(image);
  if (ext4 === null) return null;
  const items: Item[] = [];
  for await (const file of walkExt4(image, ext4)) {
    const target: Record<string, string> = file.type === "symlink" ? { target: await ext4LinkTarget(image, file) } : {};
    items.push(fileItem(image, file, target));
  }
  return { format: "ext4 file system", items, exact: true };
};

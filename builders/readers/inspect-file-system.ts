import { createHash } from "node:crypto";
import { createFsverity } from "../contract/fsverity.ts";
import type { InspectedContent, InspectedFile } from "../contract/inspection.ts";
import type { Erofs } from "./erofs-superblock.ts";
import { walkErofs } from "./erofs-walk.ts";
import type { Ext4 } from "./ext4-superblock.ts";
import { walkExt4 } from "./ext4-walk.ts";
import { usedFatBytes } from "./fat-chain.ts";
import { fatRootLabel, walkFat } from "./fat-directory.ts";
import type { Fat } from "./fat.ts";
import { fileAccess, type ImageFile } from "./image-file.ts";
import { passingPieces, type RandomAccess } from "./random-access.ts";

export type InspectOptions = {
  /** whether to list every file */
  readonly files: boolean;
  readonly signal?: AbortSignal;
};

/** Looks into a file of the image; null if it is nothing that imgrel knows. */
export type InspectInside = (image: RandomAccess) => Promise<InspectedContent | null>;

export const octal = (mode: number): string => mode.toString(8).padStart(4, "0");

const listed = ({ path, type, mode, size }: ImageFile): InspectedFile => ({
  ...{ path, type, sizeBytes: size },
  mode: mode === null ? null : octal(mode),
});

async function collect(files: AsyncIterable<ImageFile>, options: InspectOptions): Promise<{ files?: InspectedFile[] }> {
  const list: InspectedFile[] = [];
  for await (const file of files) {
    options.signal?.throwIfAborted();
    if (options.files) list.push(listed(file));
  }
  return options.files ? { files: list } : {};
}

/** The menu entries of a grub.cfg as our builder writes it: `menuentry "title" … { linux <kernel> <command line> }`. */
export function grubEntries(config: string): { title: string; kernel: string; commandLine: string }[] {
  return [...config.matchAll(/^\s*menuentry\s+(["'])(.*?)\1[^{\n]*\{([^}]*)\}/gm)].flatMap(
    ([, , title = "", body = ""]) => {
      const [, kernel, commandLine = ""] = /^\s*linux\s+(\S+)[ \t]*(.*)$/m.exec(body) ?? [];
      return kernel === undefined ? [] : [{ title, kernel, commandLine: commandLine.trim() }];
    },
  );
}

const MAX_CONFIG_BYTES = 1024 * 1024;

/** A FAT file system: what boots from it is looked into. */
export async function inspectFat(
  image: RandomAccess,
  fat: Fat,
  inside: InspectInside,
  options: InspectOptions,
): Promise<InspectedContent> {
  const files: InspectedFile[] = [];
  const holds: { path: string; content: InspectedContent }[] = [];
  let entries: ReturnType<typeof grubEntries> = [];
  for await (const file of walkFat(image, fat)) {
    options.signal?.throwIfAborted();
    files.push(listed(file));
    if (file.type !== "file") continue;
    const access = fileAccess(image, file);
    if (file.path.endsWith("/grub.cfg") && file.size <= MAX_CONFIG_BYTES) {
      entries = grubEntries(Buffer.from(await access.readAt(0, file.size)).toString("utf8"));
    }
    const content = await inside(access);
    if (content !== null) holds.push({ path: file.path, content });
  }
  return {
    format: "fat",
    bits: fat.bits,
    label: (await fatRootLabel(image, fat)) ?? fat.label,
    uuid: fat.volumeId,
    sizeBytes: fat.bytes,
    usedBytes: await usedFatBytes(image, fat),
    faults: [],
    ...(options.files ? { files } : {}),
    grubEntries: entries,
    holds,
  };
}

/** An ext4 file system; every file is visited, so that what is damaged is found. */
export async function inspectExt4(image: RandomAccess, ext4: Ext4, options: InspectOptions): Promise<InspectedContent> {
  return {
    format: "ext4",
    label: ext4.label,
    uuid: ext4.uuid,
    sizeBytes: ext4.blockCount * ext4.blockBytes,
    usedBytes: (ext4.blockCount - ext4.freeBlocks) * ext4.blockBytes,
    faults: [...ext4.faults],
    ...(await collect(walkExt4(image, ext4), options)),
    features: [...ext4.features],
  };
}

/** An erofs file system, with the digests of exactly its bytes: a partition is mostly larger. */
export async function inspectErofs(
  image: RandomAccess,
  erofs: Erofs,
  options: InspectOptions,
): Promise<InspectedContent> {
  const size = erofs.blockCount * erofs.blockBytes;
  const sha256 = createHash("sha256");
  const verity = createFsverity();
  for await (const { bytes } of passingPieces(image, 0, size)) {
    options.signal?.throwIfAborted();
    sha256.update(bytes);
    verity.update(bytes);
  }
  const modules = /^\/(?:usr\/)?lib\/modules\/([^/]+)$/;
  const files: InspectedFile[] = [];
  const kernels = new Set<string>();
  for await (const file of walkErofs(image, erofs)) {
    options.signal?.throwIfAborted();
    if (options.files) files.push(listed(file));
    const version = file.type === "directory" ? modules.exec(file.path)?.[1] : undefined;
    if (version !== undefined) kernels.add(version);
  }
  return {
    format: "erofs",
    label: erofs.label,
    uuid: erofs.uuid,
    sizeBytes: size,
    usedBytes: size, // a read-only file system has no free blocks
    faults: [...erofs.faults],
    ...(options.files ? { files } : {}),
    compression: [...erofs.compression],
    features: [...erofs.features],
    composefs: erofs.composefs,
    inodes: erofs.inodeCount,
    buildTime: erofs.buildTime,
    kernelVersions: [...kernels].toSorted(),
    sha256: sha256.digest("hex"),
    fsverityDigest: verity.finish().digest,
  };
}

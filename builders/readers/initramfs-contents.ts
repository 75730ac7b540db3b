import { createHash } from "node:crypto";
import { imageSource } from "./byte-source.ts";
import type { Contents, Item } from "./contents.ts";
import { CPIO_MAGIC } from "./cpio-format.ts";
import type { CpioMember } from "./cpio-reader.ts";
import { imageFault } from "./image-fault.ts";
import { type InitramfsSegment, readInitramfs } from "./initramfs-members.ts";
import { bytesAccess, MAX_READ_BYTES, type RandomAccess, rangeAccess } from "./random-access.ts";
import { ZSTD_MAGIC } from "./zstd-frame.ts";

/** Segments, and the SHA-256 of each member's data in order. */
async function hashMembers(image: RandomAccess): Promise<{ segments: InitramfsSegment[]; hashes: string[] }> {
  const hashes: string[] = [];
  let hash = createHash("sha256");
  const segments = await readInitramfs(imageSource(image), {
    data: (piece) => void hash.update(piece),
    member: () => {
      hashes.push(hash.digest("hex"));
      hash = createHash("sha256");
    },
  });
  return { segments, hashes };
}

/** Data of the member that is the `index`th of all segments, by decompressing all before it once more. */
async function memberData(image: RandomAccess, member: CpioMember, index: number): Promise<RandomAccess> {
  if (member.size > MAX_READ_BYTES) {
    throw imageFault(image.name, member.offset, `compressed member ${member.name} is too large to look into`);
  }
  let at = 0;
  const pieces: Uint8Array[] = [];
  await readInitramfs(imageSource(image), {
    data: (piece) => void (at === index && pieces.push(Buffer.from(piece))),
    member: () => void (at += 1),
  });
  return bytesAccess(`${image.name}:${member.name}`, Buffer.concat(pieces));
}

const factsOf = (member: CpioMember): Record<string, string> => ({
  type: member.type,
  mode: (member.mode & 0o7777).toString(8).padStart(4, "0"),
  owner: `${member.uid}:${member.gid}`,
  mtime: String(member.mtime),
  size: String(member.size),
  links: String(member.nlink),
  device: `${member.rdev.major}:${member.rdev.minor}`,
});

/** How a segment is named, `index` counting from 0. */
export const segmentName = (segment: InitramfsSegment, index: number): string =>
  `${segment.compression === "none" ? "uncompressed cpio" : `${segment.compression} cpio`} ${index + 1}`;

/** Members of an initramfs; those of compressed segments are told apart by their decompressed data. */
export async function initramfsContents(image: RandomAccess): Promise<Contents | null> {
  const start = Buffer.from(await image.readAt(0, Math.min(image.size, CPIO_MAGIC.length)));
  const isZstd = start.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC);
  if (!isZstd && start.toString("latin1") !== CPIO_MAGIC) return null;
  const { segments, hashes } = await hashMembers(image);
  const items: Item[] = [];
  const seen = new Map<string, number>();
  segments.forEach((segment, segmentIndex) => {
    const name = segmentName(segment, segmentIndex);
    for (const member of segment.members) {
      const index = items.length;
      const key = `${segmentIndex}/${member.name}`;
      const nth = (seen.get(key) ?? 0) + 1;
      seen.set(key, nth);
      const stored = segment.compression === "none";
      items.push({
        trail: [
          { kind: "segment", name, offset: stored ? member.dataOffset - segment.offset : 0 },
          { kind: "member", name: nth === 1 ? member.name : `${member.name} (number ${nth} of this name)`, offset: 0 },
        ],
        facts: factsOf(member),
        minor: { inode: String(member.ino) },
        ...(hashes[index] === undefined ? {} : { sha256: hashes[index] }),
        open: stored
          ? async () => rangeAccess(image, `${image.name}:${member.name}`, member.dataOffset, member.size)
          : () => memberData(image, member, index),
        covers: stored ? [{ at: member.dataOffset, length: member.size }] : [],
      });
    }
  });
  return { format: "initramfs", items, exact: segments.every(({ compression }) => compression === "none") };
}

import { type ByteSource, byteSource, imageSource } from "./byte-source.ts";
import { CPIO_MAGIC } from "./cpio-format.ts";
import {
  type CpioMember,
  type CpioObserver,
  concatenatedCpioMembers,
  cpioMembers,
  invalidArchive,
  nextSegment,
} from "./cpio-reader.ts";
import { openFile } from "./random-access.ts";
import { ZSTD_MAGIC, zstdFrame } from "./zstd-frame.ts";

/** One piece of an initramfs, as the kernel unpacks them one after the other. */
export type InitramfsSegment = {
  readonly compression: "none" | "zstd";
  /** where it starts in the file */
  readonly offset: number;
  /** bytes it takes up in the file, without padding */
  readonly storedBytes: number;
  readonly members: readonly CpioMember[];
};

/** Other formats that the kernel may know and imgrel does not make, by their first bytes. */
const OTHER_FORMATS: readonly (readonly [magic: string, name: string])[] = [
  ["1f8b", "gzip"],
  ["fd377a58", "xz"],
  ["425a68", "bzip2"],
  ["5d0000", "lzma"],
  ["894c5a4f", "lzo"],
  ["02214c18", "lz4"],
];

async function collect(members: AsyncIterable<CpioMember>): Promise<CpioMember[]> {
  const list: CpioMember[] = [];
  for await (const member of members) list.push(member);
  return list;
}

async function readSegment(
  source: ByteSource,
  offset: number,
  magic: Uint8Array,
  observer: CpioObserver | undefined,
): Promise<InitramfsSegment> {
  const bytes = Buffer.from(magic);
  if (bytes.toString("latin1").startsWith(CPIO_MAGIC.slice(0, 4))) {
    const members = await collect(cpioMembers(source, observer));
    return { compression: "none", offset, storedBytes: source.position() - offset, members };
  }
  if (bytes.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC)) {
    const inner = byteSource(`zstd frame at byte ${offset} of ${source.name}, decompressed`, zstdFrame(source));
    const members = await collect(concatenatedCpioMembers(inner, observer));
    return { compression: "zstd", offset, storedBytes: source.position() - offset, members };
  }
  const hex = bytes.toString("hex");
  const known = OTHER_FORMATS.find(([start]) => hex.startsWith(start));
  throw invalidArchive(
    source,
    offset,
    known === undefined
      ? `neither cpio nor zstd: bytes ${hex}`
      : `${known[1]} data; imgrel makes and reads cpio and zstd`,
  );
}

/**
 * All members of an initramfs: any sequence of newc archives and zstd frames of such archives, with NULs between them
 * (kernel Documentation/driver-api/early-userspace/buffer-format.rst). Memory stays flat; `observer` gets the data too.
 * @throws BuildError OutputInvalid, with the offset, on whatever the kernel would refuse or ignore
 */
export async function readInitramfs(source: ByteSource, observer?: CpioObserver): Promise<InitramfsSegment[]> {
  const segments: InitramfsSegment[] = [];
  for (let start = await nextSegment(source); start !== null; start = await nextSegment(source)) {
    segments.push(await readSegment(source, start.offset, start.magic, observer));
  }
  if (segments.length === 0) throw invalidArchive(source, source.position(), "there is no cpio archive");
  return segments;
}

/**
 * {@link readInitramfs} of a file.
 * @throws BuildError OutputInvalid; NodeJS.ErrnoException if the file cannot be read
 */
export async function initramfsSegments(path: string): Promise<InitramfsSegment[]> {
  await using image = await openFile(path);
  return await readInitramfs(imageSource(image));
}

/** Members of all segments, in the order in which the kernel unpacks them: a later one of the same name wins. */
export async function listInitramfs(path: string): Promise<CpioMember[]> {
  return (await initramfsSegments(path)).flatMap((segment) => segment.members);
}

import { fileAccess, type ImageFile, childPath } from "./image-file.ts";
import { chainExtents } from "./fat-chain.ts";
import type { Fat } from "./fat.ts";
import { imageFault } from "./image-fault.ts";
import type { Extent, RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

export const FAT_ENTRY_BYTES = 32;

/** A directory entry (Microsoft FAT specification, 6). */
export const FAT_ENTRY = structure([
  ["short name", 11],
  ["attributes", 1],
  ["case of the short name", 1],
  ["creation time, hundredths", 1],
  ["creation time", 2],
  ["creation date", 2],
  ["access date", 2],
  ["first cluster, high half", 2],
  ["modification time", 2],
  ["modification date", 2],
  ["first cluster, low half", 2],
  ["size", 4],
]);

/** A piece of a long name (the same, 7). */
export const FAT_LONG_NAME = structure([
  ["order", 1],
  ["characters 1 to 5", 10],
  ["attributes", 1],
  ["type", 1],
  ["checksum of the short name", 1],
  ["characters 6 to 11", 12],
  ["zero", 2],
  ["characters 12 and 13", 4],
]);

const ATTRIBUTE = { volumeLabel: 0x08, directory: 0x10, longName: 0x0f } as const;
const DELETED = 0xe5;
const MAX_DIRECTORY_BYTES = 2 * 1024 * 1024; // 65536 entries, the most that FAT allows

/** One name of a directory, with the places of its records. */
export type FatEntry = {
  readonly kind: "file" | "directory" | "volume label";
  readonly name: string;
  readonly size: number;
  readonly firstCluster: number;
  /** in the directory's bytes: of the first piece of its long name, or of the entry itself */
  readonly startAt: number;
  readonly entryAt: number;
};

function shortNameChecksum(name: Uint8Array): number {
  let sum = 0;
  for (const byte of name) sum = (((sum & 1) << 7) + (sum >> 1) + byte) & 0xff;
  return sum;
}

function shortName(name: Buffer, casing: number): string {
  const bytes = Buffer.from(name);
  if (bytes[0] === 0x05) bytes[0] = DELETED; // a name that really starts with E5
  const part = (from: number, to: number, lower: boolean): string => {
    const text = bytes.toString("latin1", from, to).trimEnd();
    return lower ? text.toLowerCase() : text;
  };
  const base = part(0, 8, (casing & 0x08) !== 0);
  const extension = part(8, 11, (casing & 0x10) !== 0);
  return extension === "" ? base : `${base}.${extension}`;
}

/** The long name that precedes an entry, if all its pieces are there and belong to it. */
function longName(pieces: readonly Buffer[], short: Buffer): string | undefined {
  const checksum = shortNameChecksum(short);
  const last = pieces.length;
  const fits = pieces.every((piece, index) => {
    const order = piece[0] ?? 0;
    return (order & 0x3f) === last - index && ((order & 0x40) !== 0) === (index === 0) && piece[13] === checksum;
  });
  if (last === 0 || !fits) return undefined;
  const text = pieces.toReversed().map((piece) => {
    const record = decode(FAT_LONG_NAME, piece);
    const parts = (["characters 1 to 5", "characters 6 to 11", "characters 12 and 13"] as const).map(record.bytes);
    return Buffer.concat(parts).toString("utf16le");
  });
  return text.join("").replace(/[\0\uffff].*$/s, "");
}

/** The names of a directory out of its bytes, `.` and `..` left out. */
export function fatEntries(bytes: Uint8Array): FatEntry[] {
  const entries: FatEntry[] = [];
  let pieces: Buffer[] = [];
  for (let at = 0; at + FAT_ENTRY_BYTES <= bytes.length; at += FAT_ENTRY_BYTES) {
    const raw = Buffer.from(bytes.buffer, bytes.byteOffset + at, FAT_ENTRY_BYTES);
    if (raw[0] === 0) break;
    const record = decode(FAT_ENTRY, raw);
    const attributes = record.number("attributes");
    if (raw[0] === DELETED) pieces = [];
    else if ((attributes & 0x3f) === ATTRIBUTE.longName) pieces.push(raw);
    else {
      const short = record.bytes("short name");
      const name = longName(pieces, short) ?? shortName(short, record.number("case of the short name"));
      const folder = (attributes & ATTRIBUTE.directory) !== 0 ? "directory" : "file";
      const isLabel = (attributes & ATTRIBUTE.volumeLabel) !== 0;
      if (name !== "." && name !== "..") {
        entries.push({
          kind: isLabel ? "volume label" : folder,
          name: isLabel ? short.toString("latin1").trimEnd() : name,
          size: record.number("size"),
          firstCluster: record.number("first cluster, high half") * 0x1_0000 + record.number("first cluster, low half"),
          startAt: at - pieces.length * FAT_ENTRY_BYTES,
          entryAt: at,
        });
      }
      pieces = [];
    }
  }
  return entries;
}

/** Bytes of a directory. */
export async function fatDirectoryBytes(image: RandomAccess, directory: ImageFile): Promise<Uint8Array> {
  return fileAccess(image, directory).readAt(0, directory.size);
}

const lengthOf = (extents: readonly Extent[]): number => extents.reduce((sum, one) => sum + one.length, 0);

async function rootFolder(image: RandomAccess, fat: Fat): Promise<ImageFile> {
  const extents =
    fat.fixedRoot === null
      ? await chainExtents(image, fat, fat.rootCluster, MAX_DIRECTORY_BYTES, "the root folder")
      : [{ offset: 0, length: fat.fixedRoot.bytes, at: fat.fixedRoot.at }];
  return { path: "/", type: "directory", mode: null, size: lengthOf(extents), extents };
}

async function fileOf(image: RandomAccess, fat: Fat, path: string, entry: FatEntry, room: number): Promise<ImageFile> {
  const isFolder = entry.kind === "directory";
  const extents = entry.firstCluster === 0 ? [] : await chainExtents(image, fat, entry.firstCluster, room, path);
  const stored = lengthOf(extents);
  if (!isFolder && entry.size > stored) {
    throw imageFault(image.name, fat.fatAt, `${path} has ${entry.size} bytes, its clusters hold ${stored}`);
  }
  if (isFolder && stored > MAX_DIRECTORY_BYTES) {
    throw imageFault(image.name, fat.fatAt, `the folder ${path} has ${stored} bytes`);
  }
  return { path, type: isFolder ? "directory" : "file", mode: null, size: isFolder ? stored : entry.size, extents };
}

/**
 * Every folder and file, folders before their content, the root first.
 * @throws BuildError OutputInvalid on chains that are no chains, and on folders that hold each other
 */
export async function* walkFat(image: RandomAccess, fat: Fat): AsyncGenerator<ImageFile> {
  const root = await rootFolder(image, fat);
  const folders = [root];
  const seen = new Set<number>(root.extents.map((one) => one.at));
  let room = fat.clusterCount * fat.clusterBytes;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    yield folder;
    const below: ImageFile[] = [];
    for (const entry of fatEntries(await fatDirectoryBytes(image, folder))) {
      if (entry.kind === "volume label") continue;
      const file = await fileOf(image, fat, childPath(folder.path, entry.name), entry, room);
      room -= lengthOf(file.extents);
      if (file.type === "file") {
        yield file;
        continue;
      }
      const at = file.extents[0]?.at;
      if (at === undefined || seen.has(at)) {
        throw imageFault(
          image.name,
          at ?? fat.dataAt,
          `the folder ${file.path} is empty of clusters or was seen before`,
        );
      }
      seen.add(at);
      below.push(file);
    }
    folders.push(...below.toReversed());
  }
}

/** The label that the root folder holds, which tools prefer; undefined without one. */
export async function fatRootLabel(image: RandomAccess, fat: Fat): Promise<string | undefined> {
  const entries = fatEntries(await fatDirectoryBytes(image, await rootFolder(image, fat)));
  return entries.find((one) => one.kind === "volume label")?.name;
}

import { crc32 } from "node:zlib";
import { type Found, foundAt, foundInside } from "./found.ts";
import { guidText } from "./guid.ts";
import { imageFault } from "./image-fault.ts";
import { MBR, PROTECTIVE_TYPE, readMbr, SECTOR_BYTES } from "./mbr.ts";
import { type RandomAccess, rangeAccess } from "./random-access.ts";
import { decode, locateInStructure, structure } from "./structure.ts";

/** The GPT header (UEFI 2.10, table 5-5). */
export const GPT_HEADER = structure([
  ["signature", 8],
  ["revision", 4],
  ["header size", 4],
  ["CRC32 of header", 4],
  ["reserved", 4],
  ["own LBA", 8],
  ["LBA of the other header", 8],
  ["first usable LBA", 8],
  ["last usable LBA", 8],
  ["disk GUID", 16],
  ["LBA of entries", 8],
  ["number of entries", 4],
  ["bytes per entry", 4],
  ["CRC32 of entries", 4],
]);

/** One partition entry (UEFI 2.10, table 5-6). */
export const GPT_ENTRY = structure([
  ["type GUID", 16],
  ["unique GUID", 16],
  ["first LBA", 8],
  ["last LBA", 8],
  ["attributes", 8],
  ["name", 72],
]);

const SIGNATURE = "EFI PART";
const CRC_AT = 16;
const MAX_ENTRIES = 4096;
const MAX_ENTRY_BYTES = 4096;
const UNUSED_TYPE = "00000000-0000-0000-0000-000000000000";

export type GptPartition = {
  /** from 1: the entry's place in the table */
  readonly number: number;
  readonly name: string;
  readonly typeGuid: string;
  readonly uniqueGuid: string;
  /** the 64 attribute bits in hexadecimal */
  readonly attributes: string;
  /** bytes from the start of the disk */
  readonly offset: number;
  readonly length: number;
};

/** One copy of the table. */
type GptTable = {
  /** byte of the header */
  readonly headerAt: number;
  /** byte of the first entry */
  readonly entriesAt: number;
  readonly entryCount: number;
  readonly entryBytes: number;
  readonly otherHeaderAt: number;
  readonly diskGuid: string;
  readonly entries: Uint8Array;
};

export type Gpt = {
  readonly diskGuid: string;
  readonly partitions: readonly GptPartition[];
  readonly primary: GptTable;
  readonly backup: GptTable | null;
  /** what does not hold though the table can be read: checksums, the backup, the protective MBR, places */
  readonly faults: readonly string[];
};

async function readTable(image: RandomAccess, headerAt: number, faults: string[], which: string): Promise<GptTable> {
  const sector = Buffer.from(await image.readAt(headerAt, SECTOR_BYTES));
  const header = decode(GPT_HEADER, sector);
  if (header.bytes("signature").toString("latin1") !== SIGNATURE) {
    throw imageFault(image.name, headerAt, `no ${which} GPT header`);
  }
  const headerBytes = header.number("header size");
  if (headerBytes < GPT_HEADER.bytes || headerBytes > SECTOR_BYTES) {
    throw imageFault(image.name, headerAt, `a GPT header of ${headerBytes} bytes`);
  }
  const expected = header.number("CRC32 of header");
  sector.fill(0, CRC_AT, CRC_AT + 4);
  if (crc32(sector.subarray(0, headerBytes)) !== expected) faults.push(`${which} GPT header: its CRC32 is wrong`);
  if (header.number("own LBA") * SECTOR_BYTES !== headerAt) {
    faults.push(`${which} GPT header: it says that it lies at LBA ${header.number("own LBA")}`);
  }
  const [entryCount, entryBytes] = [header.number("number of entries"), header.number("bytes per entry")];
  if (entryCount > MAX_ENTRIES || entryBytes < GPT_ENTRY.bytes || entryBytes > MAX_ENTRY_BYTES) {
    throw imageFault(image.name, headerAt, `${entryCount} GPT entries of ${entryBytes} bytes`);
  }
  const entriesAt = header.number("LBA of entries") * SECTOR_BYTES;
  const entries = await image.readAt(entriesAt, entryCount * entryBytes);
  if (crc32(entries) !== header.number("CRC32 of entries")) faults.push(`${which} GPT entries: their CRC32 is wrong`);
  return {
    headerAt,
    entriesAt,
    entryCount,
    entryBytes,
    otherHeaderAt: header.number("LBA of the other header") * SECTOR_BYTES,
    diskGuid: guidText(header.bytes("disk GUID")),
    entries,
  };
}

function partitionsOf(table: GptTable, diskBytes: number, faults: string[]): GptPartition[] {
  return Array.from({ length: table.entryCount }, (_, index) => index).flatMap((index) => {
    const entry = decode(GPT_ENTRY, table.entries.subarray(index * table.entryBytes));
    const typeGuid = guidText(entry.bytes("type GUID"));
    if (typeGuid === UNUSED_TYPE) return [];
    const offset = entry.number("first LBA") * SECTOR_BYTES;
    const end = (entry.number("last LBA") + 1) * SECTOR_BYTES;
    if (end <= offset || end > diskBytes) {
      faults.push(`partition ${index + 1}: bytes ${offset} to ${end} are not on the disk of ${diskBytes}`);
      return [];
    }
    return [
      {
        number: index + 1,
        name: entry.bytes("name").toString("utf16le").replace(/\0.*$/s, ""),
        typeGuid,
        uniqueGuid: guidText(entry.bytes("unique GUID")),
        attributes: entry.bytes("attributes").readBigUInt64LE().toString(16).padStart(16, "0"),
        offset,
        length: end - offset,
      },
    ];
  });
}

function overlaps(partitions: readonly GptPartition[]): string[] {
  const sorted = partitions.toSorted((a, b) => a.offset - b.offset);
  return sorted.flatMap((one, index) => {
    const next = sorted[index + 1];
    return next !== undefined && next.offset < one.offset + one.length
      ? [`partitions ${one.number} and ${next.number} overlap`]
      : [];
  });
}

async function readBackup(image: RandomAccess, primary: GptTable, faults: string[]): Promise<GptTable | null> {
  const last = image.size - (image.size % SECTOR_BYTES) - SECTOR_BYTES;
  if (primary.otherHeaderAt !== last) faults.push("backup GPT header: it is not in the last sector of the disk");
  try {
    const backup = await readTable(image, primary.otherHeaderAt, faults, "backup");
    if (backup.diskGuid !== primary.diskGuid || Buffer.compare(backup.entries, primary.entries) !== 0) {
      faults.push("backup GPT: it differs from the primary one");
    }
    return backup;
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
    return null;
  }
}

/**
 * The GUID partition table of a disk with sectors of 512 bytes (UEFI 2.10, 5.3); null if there is no GPT header in
 * the second sector. What is wrong but readable is in `faults`.
 * @throws BuildError OutputInvalid if the primary table cannot be read
 */
export async function readGpt(image: RandomAccess): Promise<Gpt | null> {
  if (image.size < 2 * SECTOR_BYTES) return null;
  const start = Buffer.from(await image.readAt(SECTOR_BYTES, SIGNATURE.length)).toString("latin1");
  if (start !== SIGNATURE) return null;
  const faults: string[] = [];
  const primary = await readTable(image, SECTOR_BYTES, faults, "primary");
  const mbr = await readMbr(image);
  if (mbr?.partitions.some((one) => one.type === PROTECTIVE_TYPE) !== true) faults.push("no protective MBR");
  const partitions = partitionsOf(primary, image.size, faults);
  faults.push(...overlaps(partitions));
  const backup = await readBackup(image, primary, faults);
  return { diskGuid: primary.diskGuid, partitions, primary, backup, faults };
}

/** A partition as an image of its own. */
export const gptPartition = (image: RandomAccess, { number, name, offset, length }: GptPartition): RandomAccess =>
  rangeAccess(image, `${image.name}, partition ${number}${name === "" ? "" : ` (${name})`}`, offset, length);

/** What byte `offset` of a GPT disk is. */
export function locateInGpt(image: RandomAccess, gpt: Gpt, offset: number): Found {
  if (offset < SECTOR_BYTES) return foundAt(...locateInStructure("protective MBR", MBR, offset));
  for (const [which, table] of [["primary", gpt.primary] as const, ["backup", gpt.backup] as const]) {
    if (table === null) continue;
    if (offset >= table.headerAt && offset < table.headerAt + SECTOR_BYTES) {
      return foundAt(...locateInStructure(`${which} GPT header`, GPT_HEADER, offset - table.headerAt));
    }
    const inEntries = offset - table.entriesAt;
    if (inEntries >= 0 && inEntries < table.entries.length) {
      const index = Math.floor(inEntries / table.entryBytes);
      const found = locateInStructure("", GPT_ENTRY, inEntries - index * table.entryBytes);
      const name = `${which} GPT entry of partition ${index + 1}`;
      return foundAt(...found.map((one) => (one.kind === "structure" ? { ...one, name } : one)));
    }
  }
  const home = gpt.partitions.find((one) => offset >= one.offset && offset < one.offset + one.length);
  if (home === undefined) return foundAt({ kind: "space", name: "outside all partitions", offset });
  const name = home.name === "" ? `partition ${home.number}` : home.name;
  return foundInside({ kind: "partition", name, offset: offset - home.offset }, gptPartition(image, home));
}

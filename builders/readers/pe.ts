import { type Found, foundAt, foundInside } from "./found.ts";
import { imageFault } from "./image-fault.ts";
import { type RandomAccess, rangeAccess } from "./random-access.ts";
import { decode, locateInStructure, structure } from "./structure.ts";

/** Start of every PE file (Microsoft PE format, "MS-DOS Stub"). */
const DOS_HEADER = structure([
  ["signature MZ", 2],
  ["DOS header", 58],
  ["offset of PE header", 4],
]);

/** The same, "COFF File Header", with the signature before it. */
const COFF_HEADER = structure([
  ["signature PE", 4],
  ["machine", 2],
  ["number of sections", 2],
  ["time stamp", 4],
  ["pointer to symbol table", 4],
  ["number of symbols", 4],
  ["size of optional header", 2],
  ["characteristics", 2],
]);

/** The same, "Optional Header" of PE32+, up to the data directories. */
const OPTIONAL_HEADER = structure([
  ["magic", 2],
  ["linker version", 2],
  ["size of code", 4],
  ["size of initialised data", 4],
  ["size of uninitialised data", 4],
  ["address of entry point", 4],
  ["base of code", 4],
  ["image base", 8],
  ["section alignment", 4],
  ["file alignment", 4],
  ["operating system version", 4],
  ["image version", 4],
  ["subsystem version", 4],
  ["win32 version", 4],
  ["size of image", 4],
  ["size of headers", 4],
  ["checksum", 4],
  ["subsystem", 2],
  ["DLL characteristics", 2],
  ["stack and heap sizes", 32],
  ["loader flags", 4],
  ["number of data directories", 4],
  ["export table", 8],
  ["import table", 8],
  ["resource table", 8],
  ["exception table", 8],
  ["certificate table", 8],
  ["base relocation table", 8],
  ["debug", 8],
  ["other data directories", 72],
]);

/** The same, "Section Table". */
const SECTION_HEADER = structure([
  ["name", 8],
  ["virtual size", 4],
  ["virtual address", 4],
  ["size of raw data", 4],
  ["pointer to raw data", 4],
  ["pointer to relocations", 4],
  ["pointer to line numbers", 4],
  ["number of relocations", 2],
  ["number of line numbers", 2],
  ["characteristics", 4],
]);

const PE32_PLUS = 0x20b;
const MAX_SECTIONS = 96; // of the Windows loader
const CERTIFICATE_DIRECTORY = 4;
const MACHINES: ReadonlyMap<number, "amd64" | "arm64"> = new Map([
  [0x8664, "amd64"],
  [0xaa64, "arm64"],
]);

export type PeSection = {
  readonly name: string;
  /** the name, with a number where an earlier section has it too */
  readonly label: string;
  /** bytes from the start of the file */
  readonly offset: number;
  /** bytes of content: the smaller of the sizes in memory and in the file */
  readonly length: number;
  /** bytes in the file, with padding */
  readonly storedBytes: number;
};

export type Pe = {
  readonly machine: "amd64" | "arm64" | "other";
  /** seconds since 1970 */
  readonly timestamp: number;
  readonly sections: readonly PeSection[];
  /** whether it carries an Authenticode signature */
  readonly signed: boolean;
  readonly coffAt: number;
  readonly sectionTableAt: number;
};

async function coffHeaderAt(image: RandomAccess): Promise<number | null> {
  if (image.size < DOS_HEADER.bytes) return null;
  const dos = decode(DOS_HEADER, await image.readAt(0, DOS_HEADER.bytes));
  const at = dos.number("offset of PE header");
  if (dos.bytes("signature MZ").toString("latin1") !== "MZ" || at + COFF_HEADER.bytes > image.size) return null;
  const signature = Buffer.from(await image.readAt(at, 4)).toString("latin1");
  return signature === "PE\0\0" ? at : null;
}

async function readSections(image: RandomAccess, at: number, count: number): Promise<PeSection[]> {
  const table = await image.readAt(at, count * SECTION_HEADER.bytes);
  const seen = new Map<string, number>();
  return Array.from({ length: count }, (_, index) => {
    const header = decode(SECTION_HEADER, table.subarray(index * SECTION_HEADER.bytes));
    const [stored, memory] = [header.number("size of raw data"), header.number("virtual size")];
    const offset = stored === 0 ? 0 : header.number("pointer to raw data");
    const name = header.text("name");
    if (offset + stored > image.size) {
      throw imageFault(image.name, at, `section ${name} has ${stored} bytes at ${offset}, the file ${image.size}`);
    }
    const nth = (seen.get(name) ?? 0) + 1;
    seen.set(name, nth);
    const label = nth === 1 ? name : `${name} (number ${nth} of this name)`;
    return { name, label, offset, length: memory === 0 ? stored : Math.min(stored, memory), storedBytes: stored };
  });
}

/**
 * The sections of a PE32+ file: a UEFI program, a Linux kernel with its EFI stub, a unified kernel image. Null if it is
 * no PE file at all.
 * @throws BuildError OutputInvalid if it is one of another kind, or points outside itself
 */
export async function readPe(image: RandomAccess): Promise<Pe | null> {
  const coffAt = await coffHeaderAt(image);
  if (coffAt === null) return null;
  const coff = decode(COFF_HEADER, await image.readAt(coffAt, COFF_HEADER.bytes));
  const optionalAt = coffAt + COFF_HEADER.bytes;
  const optionalBytes = coff.number("size of optional header");
  const fixedBytes = OPTIONAL_HEADER.bytes - 16 * 8;
  if (optionalBytes < fixedBytes) throw imageFault(image.name, optionalAt, `optional header of ${optionalBytes} bytes`);
  const optional = Buffer.alloc(OPTIONAL_HEADER.bytes);
  optional.set(await image.readAt(optionalAt, Math.min(optionalBytes, OPTIONAL_HEADER.bytes)));
  const fields = decode(OPTIONAL_HEADER, optional);
  if (fields.number("magic") !== PE32_PLUS) throw imageFault(image.name, optionalAt, "it is not PE32+");
  const count = coff.number("number of sections");
  if (count > MAX_SECTIONS) throw imageFault(image.name, coffAt, `${count} sections; PE allows ${MAX_SECTIONS}`);
  const sectionTableAt = optionalAt + optionalBytes;
  const directories = fields.number("number of data directories");
  return {
    machine: MACHINES.get(coff.number("machine")) ?? "other",
    timestamp: coff.number("time stamp"),
    sections: await readSections(image, sectionTableAt, count),
    signed: directories > CERTIFICATE_DIRECTORY && fields.bytes("certificate table").some((byte) => byte !== 0),
    coffAt,
    sectionTableAt,
  };
}

/** A section's content as an image of its own. */
export const peSection = (image: RandomAccess, { label, offset, length }: PeSection): RandomAccess =>
  rangeAccess(image, `${image.name}:${label}`, offset, length);

function locateHeader(pe: Pe, offset: number): Found | null {
  if (offset < DOS_HEADER.bytes) return foundAt(...locateInStructure("DOS header", DOS_HEADER, offset));
  const optionalAt = pe.coffAt + COFF_HEADER.bytes;
  if (offset >= pe.coffAt && offset < optionalAt) {
    return foundAt(...locateInStructure("COFF header", COFF_HEADER, offset - pe.coffAt));
  }
  if (offset >= optionalAt && offset < pe.sectionTableAt) {
    return foundAt(...locateInStructure("PE optional header", OPTIONAL_HEADER, offset - optionalAt));
  }
  const inTable = offset - pe.sectionTableAt;
  const section = pe.sections[Math.floor(inTable / SECTION_HEADER.bytes)];
  if (inTable < 0 || section === undefined) return null;
  const name = `header of section ${section.label}`;
  return foundAt(...locateInStructure(name, SECTION_HEADER, inTable % SECTION_HEADER.bytes));
}

/** What byte `offset` of a PE file is. */
export function locateInPe(image: RandomAccess, pe: Pe, offset: number): Found {
  const header = locateHeader(pe, offset);
  if (header !== null) return header;
  const home = pe.sections.find((one) => offset >= one.offset && offset < one.offset + one.storedBytes);
  if (home === undefined) return foundAt({ kind: "space", name: "outside all sections", offset });
  const within = offset - home.offset;
  const section = { kind: "section", name: home.label, offset: within } as const;
  if (within >= home.length) {
    return foundAt(section, { kind: "space", name: "padding behind its content", offset: within - home.length });
  }
  return foundInside(section, peSection(image, home));
}

/** What ld.so and a packer of programs need to know of an ELF64 little-endian file. */
export type Elf = {
  readonly machine: "x86-64" | "aarch64" | "other";
  /** false for a static program, an object file, a kernel module: anything without a dynamic section */
  readonly dynamic: boolean;
  /** program interpreter, the path that the kernel runs */
  readonly interpreter: string | null;
  /** names of DT_NEEDED, in order */
  readonly needed: readonly string[];
  readonly soname: string | null;
  /** colon-separated folders, $ORIGIN and the like not expanded */
  readonly runpath: string | null;
  /** as {@link runpath}, but also for the needs of what this object loads; void if there is a runpath */
  readonly rpath: string | null;
  /** DF_1_NODEFLIB: ld.so must not look in its default folders */
  readonly noDefaultFolders: boolean;
};

/** Gives `length` bytes at `offset`, fewer only where the file ends. The result may be overwritten by the next call. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

const HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const MAX_PROGRAM_HEADERS = 1024;
const MAX_STRING_BYTES = 4096; // PATH_MAX
const MAX_DYNAMIC_BYTES = 64 * 1024;
const DYNAMIC_ENTRY_BYTES = 16;
const MACHINES: ReadonlyMap<number, Elf["machine"]> = new Map([
  [62, "x86-64"],
  [183, "aarch64"],
]);
const PT = { load: 1, dynamic: 2, interp: 3 } as const;
const DT = {
  null: 0,
  needed: 1,
  strtab: 5,
  strsz: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
} as const;
const DF_1_NODEFLIB = 0x800;

type Segment = { readonly type: number; readonly offset: number; readonly address: number; readonly fileSize: number };

function bytesAt(readAt: ReadAt, offset: number, length: number, what: string): Buffer {
  const bytes = readAt(offset, length);
  if (bytes.length < length) throw new RangeError(`${what} (${length} bytes at ${offset}) lies outside the file`);
  return Buffer.from(bytes.buffer, bytes.byteOffset, length);
}

function number64(bytes: Buffer, at: number, what: string): number {
  const value = bytes.readBigUInt64LE(at);
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError(`${what} is ${value}, beyond any file`);
  return Number(value);
}

function segmentsOf(header: Buffer, readAt: ReadAt): Segment[] {
  const count = header.readUInt16LE(56);
  if (count === 0) return [];
  const entryBytes = header.readUInt16LE(54);
  if (entryBytes !== PROGRAM_HEADER_BYTES)
    throw new RangeError(`program headers have ${entryBytes} bytes, not ${PROGRAM_HEADER_BYTES}`);
  if (count > MAX_PROGRAM_HEADERS) throw new RangeError(`${count} program headers, more than ${MAX_PROGRAM_HEADERS}`);
  const table = bytesAt(
    readAt,
    number64(header, 32, "program header offset"),
    count * PROGRAM_HEADER_BYTES,
    "program header table",
  );
  return Array.from({ length: count }, (_, index) => {
    const at = index * PROGRAM_HEADER_BYTES;
    return {
      type: table.readUInt32LE(at),
      offset: number64(table, at + 8, `offset of segment ${index}`),
      address: Number(table.readBigUInt64LE(at + 16)),
      fileSize: number64(table, at + 32, `size of segment ${index}`),
    };
  });
}

/** The NUL-terminated string at `offset`, which must end within `limit` bytes. */
function stringAt(readAt: ReadAt, offset: number, limit: number, what: string): string {
  const bytes = readAt(offset, Math.min(limit, MAX_STRING_BYTES));
  const end = bytes.indexOf(0);
  if (end < 0) throw new RangeError(`${what} at ${offset} does not end`);
  return Buffer.from(bytes.subarray(0, end)).toString("utf8");
}

function interpreterOf(segment: Segment | undefined, readAt: ReadAt): string | null {
  return segment === undefined ? null : stringAt(readAt, segment.offset, segment.fileSize, "interpreter");
}

type DynamicEntries = ReadonlyMap<number, readonly number[]>;

function dynamicEntries(segment: Segment, readAt: ReadAt): DynamicEntries {
  if (segment.fileSize > MAX_DYNAMIC_BYTES)
    throw new RangeError(`dynamic section of ${segment.fileSize} bytes, more than ${MAX_DYNAMIC_BYTES}`);
  const table = bytesAt(readAt, segment.offset, segment.fileSize, "dynamic section");
  const entries = new Map<number, number[]>();
  for (let at = 0; at + DYNAMIC_ENTRY_BYTES <= table.length; at += DYNAMIC_ENTRY_BYTES) {
    const tag = Number(table.readBigUInt64LE(at));
    if (tag === DT.null) return entries;
    const value = Number(table.readBigUInt64LE(at + 8));
    entries.set(tag, [...(entries.get(tag) ?? []), value]);
  }
  throw new RangeError("dynamic section does not end with DT_NULL");
}

/** Strings of the dynamic section by their offset in its string table, which is given as a memory address. */
function stringTable(
  entries: DynamicEntries,
  segments: readonly Segment[],
  readAt: ReadAt,
): (offset: number, what: string) => string {
  const address = entries.get(DT.strtab)?.[0];
  const size = entries.get(DT.strsz)?.[0];
  const home = segments.find(
    (segment) =>
      segment.type === PT.load &&
      address !== undefined &&
      address >= segment.address &&
      address < segment.address + segment.fileSize,
  );
  return (offset, what) => {
    if (address === undefined || size === undefined) throw new RangeError(`${what}: there is no dynamic string table`);
    if (home === undefined) throw new RangeError(`dynamic string table at address ${address} is in no loaded segment`);
    if (offset >= size)
      throw new RangeError(`${what} at ${offset} lies outside the dynamic string table of ${size} bytes`);
    return stringAt(readAt, home.offset + (address - home.address) + offset, size - offset, what);
  };
}

/**
 * Reads what {@link Elf} holds (System V gABI chapters 4 and 5, elf(5)); null if the file is not ELF64 little endian.
 * Touches only the headers, the dynamic section and the strings that it names.
 * @throws RangeError if an offset or size points outside the file, or a table is larger than any real one
 */
export function readElf(readAt: ReadAt): Elf | null {
  const start = readAt(0, HEADER_BYTES);
  if (start[0] !== 0x7f || start[1] !== 0x45 || start[2] !== 0x4c || start[3] !== 0x46) return null;
  if (start[4] !== 2 || start[5] !== 1) return null;
  if (start.length < HEADER_BYTES) throw new RangeError(`ELF header is truncated to ${start.length} bytes`);
  const header = Buffer.from(start);
  const segments = segmentsOf(header, readAt);
  const dynamic = segments.find((segment) => segment.type === PT.dynamic);
  const entries: DynamicEntries = dynamic === undefined ? new Map() : dynamicEntries(dynamic, readAt);
  const string = stringTable(entries, segments, readAt);
  const one = (tag: number, what: string): string | null => {
    const offset = entries.get(tag)?.[0];
    return offset === undefined ? null : string(offset, what);
  };
  return {
    machine: MACHINES.get(header.readUInt16LE(18)) ?? "other",
    dynamic: dynamic !== undefined,
    interpreter: interpreterOf(
      segments.find((segment) => segment.type === PT.interp),
      readAt,
    ),
    needed: (entries.get(DT.needed) ?? []).map((offset) => string(offset, "DT_NEEDED")),
    soname: one(DT.soname, "DT_SONAME"),
    runpath: one(DT.runpath, "DT_RUNPATH"),
    rpath: one(DT.rpath, "DT_RPATH"),
    noDefaultFolders: ((entries.get(DT.flags1)?.[0] ?? 0) & DF_1_NODEFLIB) !== 0,
  };
}

/** {@link readElf} of a file that is in memory. */
export const parseElf = (file: Uint8Array): Elf | null =>
  readElf((offset, length) => file.subarray(Math.min(offset, file.length), Math.min(offset + length, file.length)));

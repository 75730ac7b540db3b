/** What {@link elfFile} puts into an ELF file; what is left out is not there. */
export type ElfContent = {
  readonly machine?: "x86-64" | "aarch64" | "other";
  readonly interpreter?: string;
  readonly needed?: readonly string[];
  readonly soname?: string;
  readonly runpath?: string;
  readonly rpath?: string;
  readonly noDefaultFolders?: boolean;
  /** true: neither a dynamic section nor an interpreter */
  readonly static?: boolean;
};

const MACHINE = { "x86-64": 62, aarch64: 183, other: 243 } as const;
const ADDRESS = 0x400000;
const HEADER = 64;
const PROGRAM_HEADER = 56;

/** A small valid ELF64 file (System V gABI): header, program headers, interpreter, strings, dynamic section. */
export function elfFile(content: ElfContent = {}): Buffer {
  const strings: string[] = [""];
  const intern = (text: string): bigint => {
    const offset = strings.reduce((sum, string) => sum + Buffer.byteLength(string) + 1, 0);
    strings.push(text);
    return BigInt(offset);
  };
  const entries: [tag: bigint, value: bigint][] = (content.needed ?? []).map((name) => [1n, intern(name)]);
  if (content.soname !== undefined) entries.push([14n, intern(content.soname)]);
  if (content.rpath !== undefined) entries.push([15n, intern(content.rpath)]);
  if (content.runpath !== undefined) entries.push([29n, intern(content.runpath)]);
  if (content.noDefaultFolders === true) entries.push([0x6ffffffbn, 0x800n]);

  const interpreter = Buffer.from(content.interpreter === undefined ? "" : `${content.interpreter}\0`);
  const table = Buffer.from(`${strings.join("\0")}\0`);
  const headers = 1 + (content.static === true ? 0 : 1) + (content.interpreter === undefined ? 0 : 1);
  const interpreterAt = HEADER + headers * PROGRAM_HEADER;
  const tableAt = interpreterAt + interpreter.length;
  const dynamicAt = tableAt + table.length;
  entries.push([5n, BigInt(ADDRESS + tableAt)], [10n, BigInt(table.length)], [0n, 0n]);
  const dynamic = Buffer.alloc(content.static === true ? 0 : entries.length * 16);
  if (content.static !== true) {
    entries.forEach(([tag, value], index) => {
      dynamic.writeBigUInt64LE(tag, index * 16);
      dynamic.writeBigUInt64LE(value, index * 16 + 8);
    });
  }
  const size = dynamicAt + dynamic.length;

  const head = Buffer.alloc(interpreterAt);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(3, 16); // ET_DYN
  head.writeUInt16LE(MACHINE[content.machine ?? "x86-64"], 18);
  head.writeBigUInt64LE(BigInt(HEADER), 32);
  head.writeUInt16LE(PROGRAM_HEADER, 54);
  head.writeUInt16LE(headers, 56);
  let at = HEADER;
  const segment = (type: number, offset: number, bytes: number): void => {
    head.writeUInt32LE(type, at);
    head.writeBigUInt64LE(BigInt(offset), at + 8);
    head.writeBigUInt64LE(BigInt(ADDRESS + offset), at + 16);
    head.writeBigUInt64LE(BigInt(bytes), at + 32);
    at += PROGRAM_HEADER;
  };
  segment(1, 0, size);
  if (content.interpreter !== undefined) segment(3, interpreterAt, interpreter.length);
  if (content.static !== true) segment(2, dynamicAt, dynamic.length);
  return Buffer.concat([head, interpreter, table, dynamic]);
}

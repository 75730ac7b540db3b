/** Where the parts of a {@link peFile} lie. */
export const PE_PLACES = { coff: 64, optional: 88, sections: 328, data: 1024 } as const;
const FILE_ALIGNMENT = 512;

/** A PE32+ file for amd64 with these sections and nothing that runs. */
export function peFile(sections: readonly (readonly [name: string, content: string | Uint8Array])[]): Buffer {
  const contents = sections.map(([, content]) => Buffer.from(content));
  const stored = contents.map(({ length }) => Math.ceil(length / FILE_ALIGNMENT) * FILE_ALIGNMENT);
  const file = Buffer.alloc(PE_PLACES.data + stored.reduce((sum, length) => sum + length, 0));
  file.write("MZ", 0);
  file.writeUInt32LE(PE_PLACES.coff, 60);
  file.write("PE\0\0", PE_PLACES.coff);
  file.writeUInt16LE(0x8664, PE_PLACES.coff + 4);
  file.writeUInt16LE(sections.length, PE_PLACES.coff + 6);
  file.writeUInt32LE(0x01020304, PE_PLACES.coff + 8);
  file.writeUInt16LE(PE_PLACES.sections - PE_PLACES.optional, PE_PLACES.coff + 20);
  file.writeUInt16LE(0x20b, PE_PLACES.optional);
  file.writeUInt32LE(16, PE_PLACES.optional + 108);
  let at: number = PE_PLACES.data;
  sections.forEach(([name], index) => {
    const header = PE_PLACES.sections + index * 40;
    const content = contents[index] ?? Buffer.alloc(0);
    file.write(name, header);
    file.writeUInt32LE(content.length, header + 8);
    file.writeUInt32LE(stored[index] ?? 0, header + 16);
    file.writeUInt32LE(at, header + 20);
    content.copy(file, at);
    at += stored[index] ?? 0;
  });
  return file;
}

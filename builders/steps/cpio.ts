import { open } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";
import { CHUNK_BYTES } from "../host/files.ts";
import {
  CPIO_FIELDS,
  CPIO_HEADER_BYTES,
  CPIO_MAGIC,
  CPIO_MAX_NAME_BYTES,
  CPIO_TRAILER,
  CPIO_TYPES,
  type CpioFields,
  cpioNameFault,
  cpioPadding,
} from "../readers/cpio-format.ts";

/** One member to write; `permissions` are the low twelve mode bits. A file's content is bytes or a file to copy. */
export type CpioEntry = { readonly name: string } & (
  | { readonly type: "directory"; readonly permissions: number }
  | { readonly type: "file"; readonly permissions: number; readonly content: Uint8Array | { readonly path: string } }
  | { readonly type: "symlink"; readonly target: string }
  | {
      readonly type: "character" | "block";
      readonly permissions: number;
      readonly major: number;
      readonly minor: number;
    }
);

/** What other cpio programs pad an archive's end to. */
const ARCHIVE_ALIGNMENT = 512;
const MAX_FIELD = 0xffff_ffff;

function refuse(message: string): never {
  throw new BuildError({
    code: "OutputInvalid",
    step: "cpio",
    message,
    remedy: "correct the list of members that this step writes",
  });
}

function header(name: string, values: Partial<CpioFields>): Buffer {
  const namesize = Buffer.byteLength(name) + 1;
  const fields: Partial<CpioFields> = { ...values, namesize };
  const digits = CPIO_FIELDS.map((field) => {
    const value = fields[field] ?? 0;
    if (!Number.isInteger(value) || value < 0 || value > MAX_FIELD)
      refuse(`cpio member ${name}: ${field} ${value} does not fit 32 bits`);
    return value.toString(16).padStart(8, "0");
  });
  const text = `${CPIO_MAGIC}${digits.join("")}${name}\0`;
  const length = CPIO_HEADER_BYTES + namesize;
  const bytes = Buffer.alloc(length + cpioPadding(length));
  bytes.write(text, "utf8");
  return bytes;
}

async function* fileContent(name: string, path: string, fields: Partial<CpioFields>): AsyncGenerator<Uint8Array> {
  await using file = await open(path, "r");
  const stat = await file.stat();
  if (!stat.isFile()) refuse(`cpio member ${name}: ${path} is not a regular file`);
  yield header(name, { ...fields, filesize: stat.size });
  let left = stat.size;
  while (left > 0) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(Math.min(left, CHUNK_BYTES)));
    if (bytesRead === 0) refuse(`cpio member ${name}: ${path} became shorter while it was read`);
    left -= bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
  yield Buffer.alloc(cpioPadding(stat.size));
}

const dataOf = (entry: CpioEntry): Uint8Array | { readonly path: string } => {
  if (entry.type === "file") return entry.content;
  return entry.type === "symlink" ? Buffer.from(entry.target) : Buffer.alloc(0);
};

async function* member(entry: CpioEntry, fields: Partial<CpioFields>): AsyncGenerator<Uint8Array> {
  const data = dataOf(entry);
  if ("path" in data) {
    yield* fileContent(entry.name, data.path, fields);
    return;
  }
  yield header(entry.name, { ...fields, filesize: data.length });
  yield data;
  yield Buffer.alloc(cpioPadding(data.length));
}

function fieldsOf(entry: CpioEntry, ino: number, mtime: number): Partial<CpioFields> {
  const permissions = entry.type === "symlink" ? 0o777 : entry.permissions;
  if ((permissions & ~0o7777) !== 0)
    refuse(`cpio member ${entry.name}: permissions ${permissions.toString(8)} are more than twelve bits`);
  const device = entry.type === "character" || entry.type === "block";
  return {
    ino,
    mode: CPIO_TYPES[entry.type] | permissions,
    nlink: entry.type === "directory" ? 2 : 1,
    mtime,
    ...(device ? { rdevmajor: entry.major, rdevminor: entry.minor } : {}),
  };
}

/** Checks what the kernel would pass over in silence: a file without its folder, a name twice, a long link. */
function checkEntry(entry: CpioEntry, folders: ReadonlySet<string>, names: ReadonlySet<string>): void {
  const fault = cpioNameFault(entry.name);
  if (fault !== null) refuse(`cpio member name ${JSON.stringify(entry.name)} ${fault}`);
  if (entry.name === CPIO_TRAILER) refuse(`cpio member name ${CPIO_TRAILER} marks the end of an archive`);
  if (names.has(entry.name)) refuse(`cpio member ${entry.name} is given twice`);
  const slash = entry.name.lastIndexOf("/");
  if (slash >= 0 && !folders.has(entry.name.slice(0, slash)))
    refuse(`cpio member ${entry.name} has no folder entry before it`);
  if (entry.type === "symlink") {
    const bytes = Buffer.byteLength(entry.target);
    if (bytes === 0 || bytes >= CPIO_MAX_NAME_BYTES)
      refuse(`cpio member ${entry.name}: symlink target of ${bytes} bytes`);
  }
}

/**
 * One archive; a file's content comes in chunks of {@link CHUNK_BYTES}. The same bytes for the same entries: inodes count from 1 in
 * the caller's order, owner and group are 0, all times are `mtime` (seconds since 1970), no hard links.
 * @throws BuildError OutputInvalid on a name that is unsafe, twice there or before its folder, or a number above 32 bits
 */
export async function* cpioArchive(entries: Iterable<CpioEntry>, mtime: number): AsyncGenerator<Uint8Array> {
  const folders = new Set<string>();
  const names = new Set<string>();
  let size = 0;
  const parts = async function* (): AsyncGenerator<Uint8Array> {
    for (const entry of entries) {
      checkEntry(entry, folders, names);
      names.add(entry.name);
      if (entry.type === "directory") folders.add(entry.name);
      yield* member(entry, fieldsOf(entry, names.size, mtime));
    }
    yield header(CPIO_TRAILER, { nlink: 1 });
  };
  for await (const part of parts()) {
    size += part.length;
    if (part.length > 0) yield part;
  }
  const end = cpioPadding(size, ARCHIVE_ALIGNMENT);
  if (end > 0) yield Buffer.alloc(end);
}

/**
 * Writes {@link cpioArchive} to the end of `path`, which is made if need be, after NULs up to the 4-byte boundary
 * where the kernel looks for it.
 * @throws BuildError as {@link cpioArchive}; NodeJS.ErrnoException if a file cannot be read or written
 */
export async function appendCpio(path: string, entries: Iterable<CpioEntry>, mtime: number): Promise<void> {
  await using file = await open(path, "a", 0o644);
  const { size } = await file.stat();
  await file.writeFile(Buffer.alloc(cpioPadding(size)));
  for await (const chunk of cpioArchive(entries, mtime)) await file.writeFile(chunk);
}

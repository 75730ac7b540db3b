import { isUtf8 } from "node:buffer";
import { BuildError } from "../contract/build-failure.ts";
import type { ByteSource } from "./byte-source.ts";
import {
  CPIO_ALIGNMENT,
  CPIO_FIELDS,
  CPIO_HEADER_BYTES,
  CPIO_MAGIC,
  CPIO_MAX_NAME_BYTES,
  CPIO_TRAILER,
  CPIO_TYPES,
  type CpioFields,
  type CpioType,
  cpioNameFault,
  cpioPadding,
} from "./cpio-format.ts";

/** One member of an archive, without its data. */
export type CpioMember = {
  readonly name: string;
  readonly type: CpioType;
  /** type and permission bits, as stat(2) gives them */
  readonly mode: number;
  /** bytes of data; for a symlink the length of its target */
  readonly size: number;
  /** seconds since 1970 */
  readonly mtime: number;
  readonly uid: number;
  readonly gid: number;
  readonly ino: number;
  readonly nlink: number;
  /** what a device node stands for; 0, 0 for all else */
  readonly rdev: { readonly major: number; readonly minor: number };
  /** where its header starts in the stream */
  readonly offset: number;
  /** where its data starts in the stream */
  readonly dataOffset: number;
};

/** Sees an archive while it is read: each member's data in pieces, in order, then the member. */
export type CpioObserver = {
  readonly data: (piece: Uint8Array) => void;
  readonly member: (member: CpioMember) => void;
};

/** A fault of a stream, with its place. */
export function invalidArchive(source: ByteSource, offset: number, message: string, cause?: Error): BuildError {
  return new BuildError(
    {
      code: "OutputInvalid",
      step: "initramfs",
      message: `${source.name}, byte ${offset}: ${message}`,
      remedy: "the archive is damaged or was not written to its end: run the step that makes it again",
    },
    { cause },
  );
}

const TYPE_BY_BITS: ReadonlyMap<number, CpioType> = new Map(
  (Object.keys(CPIO_TYPES) as CpioType[]).map((type) => [CPIO_TYPES[type], type]),
);
const S_IFMT = 0o170000;
const PIECE_BYTES = 256 * 1024;

async function takeAll(source: ByteSource, length: number, what: string): Promise<Uint8Array> {
  const at = source.position();
  const bytes = await source.take(length);
  if (bytes.length < length) {
    throw invalidArchive(source, at, `${what} is truncated: ${length} bytes expected, ${bytes.length} there`);
  }
  return bytes;
}

async function readHeader(source: ByteSource): Promise<CpioFields> {
  const at = source.position();
  const text = Buffer.from(await takeAll(source, CPIO_HEADER_BYTES, "cpio header")).toString("latin1");
  if (!text.startsWith(CPIO_MAGIC)) {
    throw invalidArchive(source, at, `no cpio header: magic is ${JSON.stringify(text.slice(0, 6))}, not ${CPIO_MAGIC}`);
  }
  const fields: Partial<CpioFields> = {};
  CPIO_FIELDS.forEach((field, index) => {
    const digits = text.slice(6 + index * 8, 14 + index * 8);
    if (!/^[0-9a-fA-F]{8}$/.test(digits)) {
      throw invalidArchive(
        source,
        at + 6 + index * 8,
        `cpio field ${field} is not hexadecimal: ${JSON.stringify(digits)}`,
      );
    }
    fields[field] = Number.parseInt(digits, 16);
  });
  return fields as CpioFields;
}

/** The name field may carry several NULs at its end: writers align a member's data that way. */
async function readName(source: ByteSource, namesize: number): Promise<string> {
  const at = source.position();
  if (namesize < 2 || namesize > CPIO_MAX_NAME_BYTES) {
    throw invalidArchive(source, at, `cpio name of ${namesize} bytes; the kernel takes 2 to ${CPIO_MAX_NAME_BYTES}`);
  }
  const padded = namesize + cpioPadding(CPIO_HEADER_BYTES + namesize);
  const field = (await takeAll(source, padded, "cpio name")).subarray(0, namesize);
  const end = field.indexOf(0);
  if (end < 0) throw invalidArchive(source, at, "cpio name is not NUL-terminated");
  if (field.subarray(end).some((byte) => byte !== 0)) throw invalidArchive(source, at, "cpio name holds a NUL");
  const name = Buffer.from(field.subarray(0, end));
  if (!isUtf8(name))
    throw invalidArchive(source, at, `cpio name is not UTF-8: ${JSON.stringify(name.toString("latin1"))}`);
  return name.toString("utf8");
}

/** Passes over a member's data, or hands it on; gives the number of bytes that were there. */
async function passData(source: ByteSource, length: number, observer: CpioObserver | undefined): Promise<number> {
  if (observer === undefined) return source.skip(length);
  for (let left = length; left > 0; ) {
    const piece = await source.take(Math.min(left, PIECE_BYTES));
    if (piece.length === 0) return length - left;
    observer.data(piece);
    left -= piece.length;
  }
  return length;
}

/**
 * Members of the one archive that starts at the source's position; ends behind its trailer. `observer`
 * gets the members' data too.
 * @throws BuildError OutputInvalid, with the offset, on anything but a complete newc archive of safe names
 */
export async function* cpioMembers(source: ByteSource, observer?: CpioObserver): AsyncGenerator<CpioMember> {
  for (;;) {
    const offset = source.position();
    const fields = await readHeader(source);
    const name = await readName(source, fields.namesize);
    if (name === CPIO_TRAILER) {
      if (fields.filesize !== 0)
        throw invalidArchive(source, offset, `${CPIO_TRAILER} has ${fields.filesize} bytes of data`);
      return;
    }
    const fault = cpioNameFault(name);
    if (fault !== null) throw invalidArchive(source, offset, `cpio member name ${JSON.stringify(name)} ${fault}`);
    const type = TYPE_BY_BITS.get(fields.mode & S_IFMT);
    if (type === undefined)
      throw invalidArchive(source, offset, `cpio member ${name} has mode 0${fields.mode.toString(8)} of no file type`);
    const dataOffset = source.position();
    const stored = fields.filesize + cpioPadding(fields.filesize);
    const data = await passData(source, fields.filesize, observer);
    const skipped = data + (await source.skip(stored - data));
    if (skipped < stored) {
      throw invalidArchive(
        source,
        offset,
        `cpio member ${name} is truncated: ${fields.filesize} bytes of data expected, ${Math.min(skipped, fields.filesize)} there`,
      );
    }
    const { mode, filesize: size, mtime, uid, gid, ino, nlink, rdevmajor, rdevminor } = fields;
    const rdev = { major: rdevmajor, minor: rdevminor };
    const member = { name, type, mode, size, mtime, uid, gid, ino, nlink, rdev, offset, dataOffset };
    observer?.member(member);
    yield member;
  }
}

/** What an archive among several starts with. */
export type SegmentStart = { readonly offset: number; readonly magic: Uint8Array };

/**
 * Passes over the NULs between archives and gives the first bytes of the next one, or null at the end.
 * @throws BuildError OutputInvalid if it starts off a 4-byte boundary, where the kernel does not look for it
 */
export async function nextSegment(source: ByteSource): Promise<SegmentStart | null> {
  await source.skipZeros();
  const magic = await source.peek(CPIO_MAGIC.length);
  if (magic.length === 0) return null;
  const offset = source.position();
  if (offset % CPIO_ALIGNMENT !== 0) {
    throw invalidArchive(
      source,
      offset,
      `an archive starts off a ${CPIO_ALIGNMENT}-byte boundary, where the kernel ignores it`,
    );
  }
  return { offset, magic };
}

/**
 * Members of all archives of a stream that holds nothing else, with any number of NULs between them.
 * @throws BuildError OutputInvalid as {@link cpioMembers} and {@link nextSegment}, and if there is no archive at all
 */
export async function* concatenatedCpioMembers(
  source: ByteSource,
  observer?: CpioObserver,
): AsyncGenerator<CpioMember> {
  let archives = 0;
  while ((await nextSegment(source)) !== null) {
    yield* cpioMembers(source, observer);
    archives += 1;
  }
  if (archives === 0) throw invalidArchive(source, source.position(), "there is no cpio archive");
}

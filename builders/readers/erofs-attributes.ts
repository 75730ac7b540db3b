import { isUtf8 } from "node:buffer";
import { digestOf } from "../contract/digest.ts";
import type { ErofsInode } from "./erofs-inode.ts";
import type { Erofs } from "./erofs-superblock.ts";
import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";

const HEADER_BYTES = 12; // struct erofs_xattr_ibody_header
const SHARED_COUNT_AT = 4;
const ENTRY_BYTES = 4; // struct erofs_xattr_entry, and what all places are aligned to

/** What the index of an attribute's name stands for (EROFS_XATTR_INDEX_* of Linux fs/erofs/erofs_fs.h). */
const PREFIXES: Readonly<Record<number, string>> = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
};

export type ErofsAttribute = {
  readonly name: string;
  /** byte of the file system where the value stands */
  readonly at: number;
  readonly value: Buffer;
};

async function readAttribute(image: RandomAccess, at: number): Promise<ErofsAttribute> {
  const head = Buffer.from(await image.readAt(at, ENTRY_BYTES));
  const [nameBytes, index, valueBytes] = [head.readUInt8(0), head.readUInt8(1), head.readUInt16LE(2)];
  const rest = Buffer.from(await image.readAt(at + ENTRY_BYTES, nameBytes + valueBytes));
  const name = `${PREFIXES[index] ?? `prefix ${index}: `}${rest.toString("utf8", 0, nameBytes)}`;
  return { name, at: at + ENTRY_BYTES + nameBytes, value: rest.subarray(nameBytes) };
}

/**
 * The extended attributes of a file: those that it shares with others, then its own.
 * @throws BuildError OutputInvalid if they do not fit into the room that the inode has for them, or into the image
 */
export async function erofsAttributes(
  image: RandomAccess,
  erofs: Erofs,
  { at, nid, layout, attributeBytes }: ErofsInode,
): Promise<ErofsAttribute[]> {
  if (attributeBytes === 0) return [];
  const start = at + layout.bytes;
  const end = start + attributeBytes;
  const header = Buffer.from(await image.readAt(start, HEADER_BYTES));
  const sharedCount = header.readUInt8(SHARED_COUNT_AT);
  let next = start + HEADER_BYTES + sharedCount * ENTRY_BYTES;
  const refuse = () =>
    imageFault(image.name, start, `the attributes of inode ${nid} take more than ${attributeBytes} bytes`);
  if (next > end) throw refuse();
  const shared = Buffer.from(await image.readAt(start + HEADER_BYTES, sharedCount * ENTRY_BYTES));
  const attributes: ErofsAttribute[] = [];
  for (let place = 0; place < shared.length; place += ENTRY_BYTES) {
    const slot = shared.readUInt32LE(place);
    attributes.push(await readAttribute(image, erofs.sharedAttributesAt + slot * ENTRY_BYTES));
  }
  while (next < end) {
    const attribute = await readAttribute(image, next);
    attributes.push(attribute);
    next = Math.ceil((attribute.at + attribute.value.length) / ENTRY_BYTES) * ENTRY_BYTES;
  }
  if (next > end) throw refuse();
  return attributes;
}

const MAX_VALUE_BYTES = 128;

/** An attribute's value as people read it. */
export function attributeText({ value }: Pick<ErofsAttribute, "value">): string {
  if (value.length > MAX_VALUE_BYTES) return `${value.length} bytes, ${digestOf(value)}`;
  const text = value.toString("utf8");
  return isUtf8(value) && !/\p{Cc}/u.test(text) ? text : `0x${value.toString("hex")}`;
}

import type { Location } from "../contract/location.ts";
import { imageSource } from "./byte-source.ts";
import { CPIO_FIELDS, CPIO_HEADER_BYTES, CPIO_MAGIC } from "./cpio-format.ts";
import type { CpioMember } from "./cpio-reader.ts";
import { type Found, foundAt } from "./found.ts";
import { segmentName } from "./initramfs-contents.ts";
import { readInitramfs } from "./initramfs-members.ts";
import { type RandomAccess, rangeAccess } from "./random-access.ts";
import { locateInStructure, structure } from "./structure.ts";
import { ZSTD_MAGIC } from "./zstd-frame.ts";

const HEADER = structure([
  ["magic", CPIO_MAGIC.length],
  ...CPIO_FIELDS.map((field): readonly [string, number] => [field, 8]),
]);

/** Whether an image starts as an initramfs does: with a cpio archive or a zstd frame. */
export async function startsInitramfs(image: RandomAccess): Promise<boolean> {
  const start = Buffer.from(await image.readAt(0, Math.min(image.size, CPIO_MAGIC.length)));
  return start.subarray(0, ZSTD_MAGIC.length).equals(ZSTD_MAGIC) || start.toString("latin1") === CPIO_MAGIC;
}

function locateInMember(image: RandomAccess, member: CpioMember, segment: Location, offset: number): Found {
  const within = offset - member.offset;
  const header = `cpio header of ${member.name}`;
  if (within < CPIO_HEADER_BYTES) return foundAt(segment, ...locateInStructure(header, HEADER, within));
  if (offset < member.dataOffset) {
    const record: Location = { kind: "structure", name: header, offset: within };
    return foundAt(segment, record, { kind: "field", name: "name", offset: within - CPIO_HEADER_BYTES });
  }
  const at = offset - member.dataOffset;
  const place: Location = { kind: "member", name: member.name, offset: at };
  if (at >= member.size) {
    return foundAt(segment, place, { kind: "space", name: "padding behind its data", offset: at - member.size });
  }
  const data = rangeAccess(image, `${image.name}:${member.name}`, member.dataOffset, member.size);
  return { locations: [segment, place], inside: { image: data, offset: at } };
}

/**
 * What byte `offset` of an initramfs is. In a compressed segment only the segment can be told: what differs there is
 * found by comparing what both hold.
 */
export async function locateInInitramfs(image: RandomAccess, offset: number): Promise<Found> {
  const segments = await readInitramfs(imageSource(image));
  const index = segments.findIndex((one) => offset >= one.offset && offset < one.offset + one.storedBytes);
  const segment = segments[index];
  if (segment === undefined) return foundAt({ kind: "space", name: "padding between archives", offset });
  const place: Location = { kind: "segment", name: segmentName(segment, index), offset: offset - segment.offset };
  if (segment.compression !== "none") return foundAt(place);
  const member = segment.members.findLast((one) => offset >= one.offset);
  if (member === undefined) return foundAt(place, { kind: "structure", name: "cpio trailer", offset: 0 });
  const end = member.dataOffset + Math.ceil(member.size / 4) * 4;
  return offset >= end
    ? foundAt(place, { kind: "structure", name: "cpio trailer", offset: offset - end })
    : locateInMember(image, member, place, offset);
}

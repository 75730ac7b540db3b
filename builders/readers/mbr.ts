import { imageFault } from "./image-fault.ts";
import { type Found, foundAt, foundInside } from "./found.ts";
import { type RandomAccess, rangeAccess } from "./random-access.ts";
import { decode, locateInStructure, structure } from "./structure.ts";

export const SECTOR_BYTES = 512;

const partition = <const Number extends 1 | 2 | 3 | 4>(number: Number) =>
  [
    [`partition ${number} boot flag`, 1],
    [`partition ${number} first CHS`, 3],
    [`partition ${number} type`, 1],
    [`partition ${number} last CHS`, 3],
    [`partition ${number} first LBA`, 4],
    [`partition ${number} sectors`, 4],
  ] as const;

/** The classic master boot record (UEFI 2.10, 5.2.1). */
export const MBR = structure([
  ["boot code", 440],
  ["disk identifier", 4],
  ["reserved", 2],
  ...partition(1),
  ...partition(2),
  ...partition(3),
  ...partition(4),
  ["signature", 2],
]);

/** The type of the one partition of a protective MBR. */
export const PROTECTIVE_TYPE = 0xee;
const EXTENDED_TYPES: readonly number[] = [0x05, 0x0f, 0x85];

export type MbrPartition = {
  /** from 1 */
  readonly number: number;
  readonly type: number;
  readonly bootable: boolean;
  /** bytes from the start of the disk */
  readonly offset: number;
  readonly length: number;
};

export type Mbr = {
  readonly diskId: number;
  /** whether there is any boot code */
  readonly bootCode: boolean;
  readonly partitions: readonly MbrPartition[];
};

/**
 * The master boot record; null if its sector has no 55 AA at its end or an entry that no MBR has.
 * @throws BuildError OutputInvalid on an extended partition, which imgrel's images do not have
 */
export async function readMbr(image: RandomAccess): Promise<Mbr | null> {
  if (image.size < SECTOR_BYTES) return null;
  const sector = decode(MBR, await image.readAt(0, SECTOR_BYTES));
  if (sector.bytes("signature").readUInt16LE() !== 0xaa55) return null;
  const partitions: MbrPartition[] = [];
  for (const number of [1, 2, 3, 4] as const) {
    const flag = sector.number(`partition ${number} boot flag`);
    if (flag !== 0 && flag !== 0x80) return null;
    const type = sector.number(`partition ${number} type`);
    const offset = sector.number(`partition ${number} first LBA`) * SECTOR_BYTES;
    const length = sector.number(`partition ${number} sectors`) * SECTOR_BYTES;
    if (type === 0) continue;
    if (EXTENDED_TYPES.includes(type)) throw imageFault(image.name, 446, `partition ${number} is an extended one`);
    partitions.push({ number, type, bootable: flag === 0x80, offset, length });
  }
  if (partitions.length === 0) return null;
  const bootCode = sector.bytes("boot code").some((byte) => byte !== 0);
  return { diskId: sector.number("disk identifier"), bootCode, partitions };
}

/** A partition as an image of its own. */
export const mbrPartition = (image: RandomAccess, { number, offset, length }: MbrPartition): RandomAccess =>
  rangeAccess(image, `${image.name}, partition ${number}`, offset, length);

/** What byte `offset` of a disk with a master boot record is. */
export function locateInMbr(image: RandomAccess, mbr: Mbr, offset: number): Found {
  if (offset < SECTOR_BYTES) return foundAt(...locateInStructure("master boot record", MBR, offset));
  const home = mbr.partitions.find((one) => offset >= one.offset && offset < one.offset + one.length);
  if (home === undefined) return foundAt({ kind: "space", name: "outside all partitions", offset });
  const name = `partition ${home.number}`;
  return foundInside({ kind: "partition", name, offset: offset - home.offset }, mbrPartition(image, home));
}

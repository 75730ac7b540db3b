import { imageFault } from "./image-fault.ts";
import type { RandomAccess } from "./random-access.ts";
import { decode, structure } from "./structure.ts";

/** Header of qcow2 version 3 (QEMU docs/interop/qcow2.rst, "Header"). */
export const QCOW2_HEADER = structure(
  [
    ["magic", 4],
    ["version", 4],
    ["backing file offset", 8],
    ["backing file size", 4],
    ["cluster bits", 4],
    ["virtual size", 8],
    ["encryption method", 4],
    ["L1 entries", 4],
    ["L1 table offset", 8],
    ["refcount table offset", 8],
    ["refcount table clusters", 4],
    ["number of snapshots", 4],
    ["snapshots offset", 8],
    ["incompatible features", 8],
    ["compatible features", 8],
    ["autoclear features", 8],
    ["refcount order", 4],
    ["header length", 4],
  ],
  "big",
);

const MAGIC = 0x514649fb;
const FEATURE = { dirty: 1, corrupt: 2, externalData: 4, compressionType: 8, extendedL2: 16 } as const;
const COMPRESSION_TYPE_AT = 104;
const MAX_L1_BYTES = 32 * 1024 * 1024; // QEMU's own limit

/** Bits 9 to 55 of a table entry: where it points to in the file. */
export const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;

export type Qcow2 = {
  readonly version: 2 | 3;
  readonly clusterBits: number;
  readonly clusterBytes: number;
  /** of the guest's disk */
  readonly virtualSize: number;
  readonly compression: "zlib" | "zstd";
  readonly headerBytes: number;
  readonly l1At: number;
  /** where the L2 tables lie, in order; 0 for one that does not exist */
  readonly l2Tables: readonly number[];
  readonly refcountTableAt: number;
  readonly refcountTableBytes: number;
  readonly refcountBits: number;
};

/** Numbers of a table of 64-bit entries. */
export async function readEntries(image: RandomAccess, at: number, count: number): Promise<bigint[]> {
  const bytes = Buffer.from(await image.readAt(at, count * 8));
  return Array.from({ length: count }, (_, index) => bytes.readBigUInt64BE(index * 8));
}

/** What imgrel does not make and this reader does not follow. */
function refuseFeatures(
  image: RandomAccess,
  fields: Pick<ReturnType<typeof readFields>, "number">,
  bits: number,
): void {
  const has = (feature: number): boolean => (bits & feature) !== 0;
  const fault = [
    [fields.number("backing file offset") !== 0, "it has a backing file"],
    [fields.number("encryption method") !== 0, "it is encrypted"],
    [fields.number("number of snapshots") !== 0, "it has snapshots"],
    [has(FEATURE.corrupt), "it is marked as corrupt"],
    [has(FEATURE.dirty), "it is marked as dirty: a program stopped while writing it"],
    [has(FEATURE.externalData), "its data is in another file"],
    [has(FEATURE.extendedL2), "it has extended L2 entries"],
    [bits >= 32, `incompatible features 0x${bits.toString(16)}`],
  ].find(([holds]) => holds === true)?.[1];
  if (fault !== undefined) throw imageFault(image.name, 0, `qcow2: ${String(fault)}`);
}

const readFields = (bytes: Uint8Array) => decode(QCOW2_HEADER, bytes);

/**
 * The header and L1 table of a qcow2 image; null without its magic.
 * @throws BuildError OutputInvalid on other versions, on what imgrel does not make (backing files, snapshots,
 *   encryption), and on tables that are not in the file
 */
export async function readQcow2(image: RandomAccess): Promise<Qcow2 | null> {
  if (image.size < QCOW2_HEADER.bytes) return null;
  const fields = readFields(await image.readAt(0, QCOW2_HEADER.bytes));
  if (fields.number("magic") !== MAGIC) return null;
  const version = fields.number("version");
  if (version !== 2 && version !== 3) throw imageFault(image.name, 4, `qcow2 version ${version}`);
  const features = version === 3 ? fields.number("incompatible features") : 0;
  refuseFeatures(image, fields, features);
  const clusterBits = fields.number("cluster bits");
  if (clusterBits < 9 || clusterBits > 21) throw imageFault(image.name, 20, `clusters of 2^${clusterBits} bytes`);
  const clusterBytes = 2 ** clusterBits;
  const headerBytes = version === 3 ? fields.number("header length") : 72;
  const compression =
    (features & FEATURE.compressionType) === 0 ? 0 : ((await image.readAt(COMPRESSION_TYPE_AT, 1))[0] ?? 0);
  if (compression > 1) throw imageFault(image.name, COMPRESSION_TYPE_AT, `compression type ${compression}`);
  const virtualSize = fields.number("virtual size");
  const l1Count = fields.number("L1 entries");
  const perTable = clusterBytes / 8;
  if (!Number.isSafeInteger(virtualSize) || l1Count * 8 > MAX_L1_BYTES || headerBytes > clusterBytes) {
    throw imageFault(image.name, 24, `${virtualSize} bytes with ${l1Count} L1 entries, header of ${headerBytes}`);
  }
  if (l1Count * perTable * clusterBytes < virtualSize) {
    throw imageFault(image.name, 36, `${l1Count} L1 entries are too few for ${virtualSize} bytes`);
  }
  const l1At = fields.number("L1 table offset");
  const refcountOrder = version === 3 ? fields.number("refcount order") : 4;
  if (refcountOrder > 6) throw imageFault(image.name, 96, `refcounts of 2^${refcountOrder} bits`);
  return {
    version,
    ...{ clusterBits, clusterBytes, virtualSize, headerBytes, l1At },
    compression: compression === 1 ? "zstd" : "zlib",
    l2Tables: (await readEntries(image, l1At, l1Count)).map((entry) => Number(entry & OFFSET_MASK)),
    refcountTableAt: fields.number("refcount table offset"),
    refcountTableBytes: fields.number("refcount table clusters") * clusterBytes,
    refcountBits: 2 ** refcountOrder,
  };
}

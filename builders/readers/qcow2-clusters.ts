import { inflateRawSync } from "node:zlib";
import { imageSource } from "./byte-source.ts";
import { imageFault } from "./image-fault.ts";
import { OFFSET_MASK, type Qcow2, readEntries } from "./qcow2.ts";
import { bytesAccess, type RandomAccess, type ReadAt, zeroed } from "./random-access.ts";
import { zstdFrame } from "./zstd-frame.ts";

const COMPRESSED = 1n << 62n;
const READS_ZERO = 1n;
const SECTOR_BYTES = 512;

/** Where the file keeps one cluster of the guest's disk. `at` and `length` are bytes of the file. */
export type Cluster =
  | { readonly kind: "zeros" }
  | { readonly kind: "plain"; readonly at: number }
  | { readonly kind: "compressed"; readonly at: number; readonly length: number };

/** An L2 entry (QEMU docs/interop/qcow2.rst, "Standard Cluster Descriptor", "Compressed Clusters Descriptor"). */
export function clusterOf(qcow2: Qcow2, entry: bigint): Cluster {
  if ((entry & COMPRESSED) === 0n) {
    const at = Number(entry & OFFSET_MASK);
    return at === 0 || (qcow2.version === 3 && (entry & READS_ZERO) !== 0n) ? { kind: "zeros" } : { kind: "plain", at };
  }
  const offsetBits = BigInt(62 - (qcow2.clusterBits - 8));
  const at = Number(entry & ((1n << offsetBits) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits) + 1;
  return { kind: "compressed", at, length: sectors * SECTOR_BYTES - (at % SECTOR_BYTES) };
}

/** Clusters of one L2 table that hold anything, by number of the guest's cluster; the table stands at L1 `index`. */
export async function tableClusters(image: RandomAccess, qcow2: Qcow2, index: number) {
  const at = qcow2.l2Tables[index] ?? 0;
  const perTable = qcow2.clusterBytes / 8;
  const entries = at === 0 ? [] : await readEntries(image, at, perTable);
  return entries.flatMap((entry, place) => {
    const cluster = clusterOf(qcow2, entry);
    return cluster.kind === "zeros" ? [] : [{ guest: (index * perTable + place) * qcow2.clusterBytes, ...cluster }];
  });
}

/** A cluster out of a zstd frame. What follows it belongs to the next one, which a decompressor must not see. */
async function fromZstd(name: string, stored: Uint8Array, clusterBytes: number): Promise<Buffer> {
  const bytes = Buffer.alloc(clusterBytes);
  let size = 0;
  for await (const piece of zstdFrame(imageSource(bytesAccess(name, stored)))) {
    if (size + piece.length > clusterBytes) throw new RangeError(`more than ${clusterBytes} bytes`);
    bytes.set(piece, size);
    size += piece.length;
  }
  return bytes.subarray(0, size);
}

/** The bytes of a compressed cluster: one raw deflate stream, or one zstd frame. */
async function decompressed(
  image: RandomAccess,
  { compression, clusterBytes }: Qcow2,
  { at, length }: { readonly at: number; readonly length: number },
): Promise<Buffer> {
  // the last cluster's sectors may reach past the end of the file
  const stored = await image.readAt(at, Math.min(length, image.size - at));
  try {
    const bytes =
      compression === "zlib"
        ? inflateRawSync(stored, { maxOutputLength: clusterBytes })
        : await fromZstd(image.name, stored, clusterBytes);
    if (bytes.length === clusterBytes) return bytes;
    throw new RangeError(`${bytes.length} bytes instead of ${clusterBytes}`);
  } catch (error) {
    throw imageFault(image.name, at, `a compressed cluster cannot be read: ${String(error)}`, error);
  }
}

/** The guest's disk as an image of its own. The last table and the last decompressed cluster are kept. */
export function guestAccess(image: RandomAccess, qcow2: Qcow2): RandomAccess {
  const { clusterBytes, virtualSize } = qcow2;
  const perTable = clusterBytes / 8;
  const name = `${image.name}, guest disk`;
  let table: { index: number; entries: readonly bigint[] } = { index: -1, entries: [] };
  let kept: { at: number; bytes: Uint8Array } = { at: -1, bytes: new Uint8Array(0) };
  const lookUp = async (number: number): Promise<Cluster> => {
    const index = Math.floor(number / perTable);
    const at = qcow2.l2Tables[index] ?? 0;
    if (at === 0) return { kind: "zeros" };
    if (table.index !== index) table = { index, entries: await readEntries(image, at, perTable) };
    return clusterOf(qcow2, table.entries[number % perTable] ?? 0n);
  };
  const readAt: ReadAt = async (offset, length, lent) => {
    if (offset < 0 || length < 0 || offset + length > virtualSize) {
      throw imageFault(name, offset, `${length} bytes are named here, but it ends at ${virtualSize}`);
    }
    const result = zeroed(length, lent);
    for (let done = 0; done < length; ) {
      const number = Math.floor((offset + done) / clusterBytes);
      const within = offset + done - number * clusterBytes;
      const size = Math.min(clusterBytes - within, length - done);
      const cluster = await lookUp(number);
      if (cluster.kind === "plain") {
        const place = result.subarray(done, done + size);
        place.set(await image.readAt(cluster.at + within, size, place));
      }
      if (cluster.kind === "compressed") {
        if (kept.at !== cluster.at) kept = { at: cluster.at, bytes: await decompressed(image, qcow2, cluster) };
        result.set(kept.bytes.subarray(within, within + size), done);
      }
      done += size;
    }
    return result;
  };
  return { name, size: virtualSize, readAt };
}

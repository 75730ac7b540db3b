import type { ErofsCluster } from "./erofs-clusters.ts";
import type { Erofs } from "./erofs-superblock.ts";
import type { ErofsFile } from "./erofs-walk.ts";
import { imageFault } from "./image-fault.ts";
import { decodeLz4 } from "./lz4-block.ts";
import { extentsAccess, MAX_READ_BYTES, type RandomAccess, type ReadAt, zeroed } from "./random-access.ts";

/** The stored bytes of a compressed file, its clusters one behind the other. */
export function storedAccess(image: RandomAccess, file: ErofsFile): RandomAccess {
  let offset = 0;
  const extents = (file.inode.clusters ?? []).map(({ at, length }) => {
    const extent = { offset, length, at };
    offset += length;
    return extent;
  });
  return extentsAccess(image, `${image.name}:${file.path}, as stored`, extents, offset);
}

/** Compressed bytes stand at the end of their blocks, behind NULs (feature lz4_0padding). */
async function decoded(image: RandomAccess, file: ErofsFile, cluster: ErofsCluster): Promise<Uint8Array> {
  const stored = await image.readAt(cluster.at, cluster.length);
  if (cluster.plain) return stored.subarray(0, cluster.decodedBytes);
  if (cluster.decodedBytes > MAX_READ_BYTES) {
    throw imageFault(
      image.name,
      cluster.at,
      `a compressed cluster of ${file.path} holds ${cluster.decodedBytes} bytes`,
    );
  }
  const start = stored.findIndex((byte) => byte !== 0);
  try {
    return decodeLz4(stored.subarray(Math.max(start, 0)), cluster.decodedBytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw imageFault(image.name, cluster.at, `${file.path} cannot be decompressed: ${error.message}`, error);
  }
}

/** Whether this reader decompresses the file's data: all of it stands in lz4 clusters. */
export const isDecodable = (erofs: Erofs, file: ErofsFile): boolean =>
  erofs.compression.length === 1 &&
  erofs.compression[0] === "lz4" &&
  (file.inode.clusters ?? []).reduce((sum, one) => sum + one.decodedBytes, 0) === file.size;

/** The content of a compressed file that {@link isDecodable}. The last decompressed cluster is kept. */
export function decodedAccess(image: RandomAccess, file: ErofsFile): RandomAccess {
  const clusters = file.inode.clusters ?? [];
  const name = `${image.name}:${file.path}`;
  let kept: { readonly cluster: ErofsCluster; readonly bytes: Uint8Array } | null = null;
  const readAt: ReadAt = async (offset, length, lent) => {
    if (offset < 0 || length < 0 || offset + length > file.size || length > MAX_READ_BYTES) {
      throw imageFault(name, offset, `${length} bytes are named here, but it ends at ${file.size}`);
    }
    const result = zeroed(length, lent);
    for (const cluster of clusters) {
      const from = Math.max(offset, cluster.offset);
      const to = Math.min(offset + length, cluster.offset + cluster.decodedBytes);
      if (from >= to) continue;
      const bytes: Uint8Array = kept?.cluster === cluster ? kept.bytes : await decoded(image, file, cluster);
      kept = { cluster, bytes };
      result.set(bytes.subarray(from - cluster.offset, to - cluster.offset), from - offset);
    }
    return result;
  };
  return { name, size: file.size, readAt };
}

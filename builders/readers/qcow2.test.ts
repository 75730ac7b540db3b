import { beforeAll, describe, expect, test } from "vitest";
import { altered, placeOf } from "../../test/fakes/altered.ts";
import { smallImage } from "../../test/fakes/small-images.ts";
import { clusterOf, guestAccess } from "./qcow2-clusters.ts";
import { QCOW2_HEADER, type Qcow2, readQcow2 } from "./qcow2.ts";
import { bytesAccess } from "./random-access.ts";

let plain: Buffer = Buffer.alloc(0);
let packed: Buffer = Buffer.alloc(0);
let disk: Buffer = Buffer.alloc(0);
beforeAll(async () => {
  [plain, packed, disk] = [await smallImage("qcow2"), await smallImage("zlib-qcow2"), await smallImage("gpt")];
});

async function open(bytes: Uint8Array): Promise<{ image: ReturnType<typeof bytesAccess>; qcow2: Qcow2 }> {
  const image = bytesAccess("qcow2", bytes);
  const qcow2 = await readQcow2(image);
  if (qcow2 === null) throw new Error("no qcow2");
  return { image, qcow2 };
}

test.each(["plain", "packed"])("%s: the guest's disk", async (kind) => {
  const { image, qcow2 } = await open(kind === "plain" ? plain : packed);
  expect(qcow2).toMatchObject({ version: 3, clusterBytes: 4096, virtualSize: disk.length, compression: "zlib" });
  const guest = guestAccess(image, qcow2);
  expect(Buffer.compare(await guest.readAt(0, disk.length), disk)).toBe(0);
  expect(Buffer.compare(await guest.readAt(4090, 20), disk.subarray(4090, 4110))).toBe(0);
  await expect(guest.readAt(disk.length, 1)).rejects.toThrow("it ends at 204800");
});

test("no qcow2 without the magic", async () => {
  expect(await readQcow2(bytesAccess("x", altered(plain, [0, "00"])))).toBeNull();
  expect(await readQcow2(bytesAccess("x", plain.subarray(0, 100)))).toBeNull();
});

describe("what imgrel does not make is refused", () => {
  test.each([
    ["version", "00000004", "qcow2 version 4"],
    ["backing file offset", "0000000000000200", "it has a backing file"],
    ["encryption method", "00000001", "it is encrypted"],
    ["number of snapshots", "00000001", "it has snapshots"],
    ["incompatible features", "0000000000000001", "it is marked as dirty"],
    ["incompatible features", "0000000000000002", "it is marked as corrupt"],
    ["incompatible features", "0000000000000004", "its data is in another file"],
    ["incompatible features", "0000000000000010", "it has extended L2 entries"],
    ["incompatible features", "0000000000000020", "incompatible features 0x20"],
    ["cluster bits", "00000008", "clusters of 2^8 bytes"],
    ["cluster bits", "00000016", "clusters of 2^22 bytes"],
    ["virtual size", "00ffffffffffffff", "72057594037927940 bytes with 1 L1 entries"],
    ["virtual size", "0000000000300000", "1 L1 entries are too few for 3145728 bytes"],
    ["L1 entries", "10000000", "with 268435456 L1 entries"],
    ["L1 table offset", "0000000010000000", "it ends at"],
    ["refcount order", "00000007", "refcounts of 2^7 bits"],
    ["header length", "00002000", "header of 8192"],
  ] as const)("%s %s", async (field, hex, message) => {
    await expect(open(altered(plain, [placeOf(QCOW2_HEADER, field), hex]))).rejects.toThrow(message);
  });
  test("an unknown compression type", async () => {
    const features = placeOf(QCOW2_HEADER, "incompatible features");
    await expect(open(altered(plain, [features, "0000000000000008"], [104, "02"]))).rejects.toThrow(
      "compression type 2",
    );
  });
});

describe("an entry of an L2 table", () => {
  const qcow2 = { clusterBits: 16, version: 3 } as Qcow2;
  test.each([
    [0n, { kind: "zeros" }],
    [0x8000_0000_0005_0000n, { kind: "plain", at: 0x50000 }],
    [0x8000_0000_0005_0001n, { kind: "zeros" }],
    // 54 bits of offset, then the number of further sectors
    [(1n << 62n) | (2n << 54n) | 0x50010n, { kind: "compressed", at: 0x50010, length: 3 * 512 - 16 }],
  ] as const)("%d", (entry, cluster) => {
    expect(clusterOf(qcow2, entry)).toEqual(cluster);
  });
  test("of version 2 has no bit for zeros", () => {
    expect(clusterOf({ ...qcow2, version: 2 }, 0x50001n)).toEqual({ kind: "plain", at: 0x50000 });
  });
});

test("a damaged compressed cluster is a fault with its place", async () => {
  const { image, qcow2 } = await open(packed);
  const table = Buffer.from(await image.readAt(qcow2.l2Tables[0] ?? 0, 8));
  const cluster = clusterOf(qcow2, table.readBigUInt64BE());
  if (cluster.kind !== "compressed") throw new Error("not compressed");
  const { image: bad } = await open(altered(packed, [cluster.at, "ffffffffffff"]));
  await expect(guestAccess(bad, qcow2).readAt(0, 512)).rejects.toThrow(
    `byte ${cluster.at}: a compressed cluster cannot`,
  );
});

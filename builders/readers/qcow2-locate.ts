import type { Location } from "../contract/location.ts";
import { type Found, foundAt } from "./found.ts";
import { guestAccess, tableClusters } from "./qcow2-clusters.ts";
import { QCOW2_HEADER, type Qcow2, readEntries } from "./qcow2.ts";
import type { RandomAccess } from "./random-access.ts";
import { locateInStructure } from "./structure.ts";

const ENTRY_BYTES = 8;

function locateHeader(qcow2: Qcow2, offset: number): Found {
  if (offset < qcow2.headerBytes) return foundAt(...locateInStructure("qcow2 header", QCOW2_HEADER, offset));
  return foundAt({ kind: "structure", name: "qcow2 header extensions", offset: offset - qcow2.headerBytes });
}

function inTable(name: string, at: number, what: (index: number) => string): Found {
  const index = Math.floor(at / ENTRY_BYTES);
  const field: Location = { kind: "field", name: what(index), offset: at % ENTRY_BYTES };
  return foundAt({ kind: "structure", name, offset: at }, field);
}

function locateTable(qcow2: Qcow2, offset: number): Found | null {
  const perTable = qcow2.clusterBytes / ENTRY_BYTES;
  const tableSpan = perTable * qcow2.clusterBytes;
  const inL1 = offset - qcow2.l1At;
  if (inL1 >= 0 && inL1 < qcow2.l2Tables.length * ENTRY_BYTES) {
    return inTable("qcow2 L1 table", inL1, (index) => `entry of guest offset ${index * tableSpan}`);
  }
  const index = qcow2.l2Tables.findIndex((at) => at !== 0 && offset >= at && offset < at + qcow2.clusterBytes);
  if (index >= 0) {
    const place = (entry: number) => `entry of guest offset ${index * tableSpan + entry * qcow2.clusterBytes}`;
    return inTable(`qcow2 L2 table ${index}`, offset - (qcow2.l2Tables[index] ?? 0), place);
  }
  const inRefcounts = offset - qcow2.refcountTableAt;
  if (inRefcounts >= 0 && inRefcounts < qcow2.refcountTableBytes) {
    return inTable("qcow2 refcount table", inRefcounts, (entry) => `entry of refcount block ${entry}`);
  }
  return null;
}

async function locateRefcount(image: RandomAccess, qcow2: Qcow2, offset: number): Promise<Found | null> {
  const blocks = await readEntries(image, qcow2.refcountTableAt, qcow2.refcountTableBytes / ENTRY_BYTES);
  const index = blocks.findIndex((at) => at !== 0n && offset >= Number(at) && offset < Number(at) + qcow2.clusterBytes);
  if (index < 0) return null;
  const within = offset - Number(blocks[index]);
  const perBlock = (qcow2.clusterBytes * 8) / qcow2.refcountBits;
  const cluster = index * perBlock + Math.floor((within * 8) / qcow2.refcountBits);
  return foundAt(
    { kind: "structure", name: `qcow2 refcount block ${index}`, offset: within },
    { kind: "field", name: `count of the cluster at byte ${cluster * qcow2.clusterBytes}`, offset: 0 },
  );
}

async function locateData(image: RandomAccess, qcow2: Qcow2, offset: number): Promise<Found | null> {
  for (let index = 0; index < qcow2.l2Tables.length; index++) {
    for (const cluster of await tableClusters(image, qcow2, index)) {
      const within = offset - cluster.at;
      const length = cluster.kind === "plain" ? qcow2.clusterBytes : cluster.length;
      if (within < 0 || within >= length) continue;
      if (cluster.guest >= qcow2.virtualSize) continue;
      const disk = guestAccess(image, qcow2);
      if (cluster.kind === "plain") {
        const guest = cluster.guest + within;
        const location: Location = { kind: "guest", name: "disk", offset: guest };
        if (guest < qcow2.virtualSize) return { locations: [location], inside: { image: disk, offset: guest } };
        return foundAt({ kind: "space", name: "behind the end of the guest disk", offset: guest - qcow2.virtualSize });
      }
      const end = Math.min(cluster.guest + qcow2.clusterBytes, qcow2.virtualSize);
      const name = `compressed guest bytes ${cluster.guest} to ${end}`;
      return {
        locations: [
          { kind: "cluster", name, offset: within },
          { kind: "guest", name: "disk", offset: cluster.guest },
        ],
        inside: { image: disk, offset: cluster.guest },
      };
    }
  }
  return null;
}

/** What byte `offset` of a qcow2 image is: of its tables, or of the guest's disk. */
export async function locateInQcow2(image: RandomAccess, qcow2: Qcow2, offset: number): Promise<Found> {
  if (offset < qcow2.clusterBytes) return locateHeader(qcow2, offset);
  const unused = foundAt({ kind: "space", name: "unused cluster", offset });
  return (
    locateTable(qcow2, offset) ??
    (await locateRefcount(image, qcow2, offset)) ??
    (await locateData(image, qcow2, offset)) ??
    unused
  );
}

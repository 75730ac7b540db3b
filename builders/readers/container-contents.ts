import type { Contents, ContentsReader, Item } from "./contents.ts";
import { gptPartition, readGpt } from "./gpt.ts";
import { mbrPartition, readMbr } from "./mbr.ts";
import { peSection, readPe } from "./pe.ts";
import { guestAccess, tableClusters } from "./qcow2-clusters.ts";
import { readQcow2 } from "./qcow2.ts";

/** An image as a whole, for what it says of itself. */
const itself = (facts: Record<string, string>): Item => ({ trail: [], facts, open: null, covers: [] });

/** Partitions of a GPT disk. */
export const gptContents: ContentsReader = async (image) => {
  const gpt = await readGpt(image);
  if (gpt === null) return null;
  const items = gpt.partitions.map<Item>((partition) => ({
    trail: [{ kind: "partition", name: partition.name || `partition ${partition.number}`, offset: 0 }],
    facts: {
      "number in the table": String(partition.number),
      "type GUID": partition.typeGuid,
      "unique GUID": partition.uniqueGuid,
      attributes: partition.attributes,
      start: String(partition.offset),
      length: String(partition.length),
    },
    open: async () => gptPartition(image, partition),
    covers: [{ at: partition.offset, length: partition.length }],
  }));
  return { format: "GPT disk", items: [itself({ "disk GUID": gpt.diskGuid }), ...items], exact: true };
};

/** Partitions of a disk with a master boot record. */
export const mbrContents: ContentsReader = async (image) => {
  const mbr = await readMbr(image);
  if (mbr === null) return null;
  const items = mbr.partitions.map<Item>((partition) => ({
    trail: [{ kind: "partition", name: `partition ${partition.number}`, offset: 0 }],
    facts: {
      type: `0x${partition.type.toString(16).padStart(2, "0")}`,
      bootable: String(partition.bootable),
      start: String(partition.offset),
      length: String(partition.length),
    },
    open: async () => mbrPartition(image, partition),
    covers: [{ at: partition.offset, length: partition.length }],
  }));
  const diskId = `0x${mbr.diskId.toString(16).padStart(8, "0")}`;
  return { format: "MBR disk", items: [itself({ "disk identifier": diskId }), ...items], exact: true };
};

/** Sections of a UEFI program, a kernel or a unified kernel image. */
export const peContents: ContentsReader = async (image) => {
  const pe = await readPe(image);
  if (pe === null) return null;
  const items = pe.sections.map<Item>((section) => ({
    trail: [{ kind: "section", name: section.label, offset: 0 }],
    facts: { start: String(section.offset), length: String(section.length) },
    open: async () => peSection(image, section),
    covers: section.length === 0 ? [] : [{ at: section.offset, length: section.length }],
  }));
  return { format: "PE image", items: [itself({ "time stamp": String(pe.timestamp) }), ...items], exact: true };
};

/** The disk that a qcow2 image holds, and where its clusters lie. */
export const qcow2Contents: ContentsReader = async (image) => {
  const qcow2 = await readQcow2(image);
  if (qcow2 === null) return null;
  const covers: Item["covers"][number][] = [];
  for (const index of qcow2.l2Tables.keys()) {
    for (const cluster of await tableClusters(image, qcow2, index)) {
      covers.push({ at: cluster.at, length: cluster.kind === "plain" ? qcow2.clusterBytes : cluster.length });
    }
  }
  const guest: Item = {
    trail: [{ kind: "guest", name: "disk", offset: 0 }],
    facts: { "virtual size": String(qcow2.virtualSize) },
    open: async () => guestAccess(image, qcow2),
    covers,
  };
  return { format: "qcow2 image", items: [guest], exact: true } satisfies Contents;
};

import { uuidFromName } from "../contract/digest.ts";
import type { Arch } from "../contract/variant.ts";

export const MIB = 1024 * 1024;

/** Partition types (UEFI Specification 2.10, section 5.3.3; the BIOS boot type is GRUB's, its manual, "BIOS installation"). */
export const PARTITION_TYPES = {
  biosBoot: "21686148-6449-6e6f-744e-656564454649",
  esp: "c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
  linux: "0fc63daf-8483-4772-8e79-3d69d8477de4",
} as const;

/** Names of the partitions; the initramfs finds root and persist by theirs. */
export type PartitionName = "bios-boot" | "esp" | "powernode-root" | "persist";

/** One partition, numbered from 1 in the order of the list. */
export type Partition = {
  readonly name: PartitionName;
  readonly type: string;
  readonly guid: string;
  readonly startMiB: number;
  readonly sizeMiB: number;
};

export type DiskLayout = {
  readonly guid: string;
  readonly sizeMiB: number;
  readonly partitions: readonly Partition[];
};

/** 512 MiB by the platform's contract; sparse, it costs what is in it. */
const ESP_MIB = 512;
/** What persist has before its disk is known; the first boot grows it to the disk's end. */
const PERSIST_MIB = 128;
/** In front of the first partition and behind the last: the two copies of the table, and alignment. */
const TABLE_MIB = 1;

/**
 * Where everything lies on a release's disk: BIOS boot (amd64 only), ESP, root image, persist, each starting at a
 * whole MiB. Persist comes last, since it grows.
 * @param seed `<release>/<version>/<arch>`: what all GUIDs are made from
 * @param rootBytes size of the root image
 */
export function planDisk(seed: string, arch: Arch, rootBytes: number): DiskLayout {
  const wanted: readonly (readonly [PartitionName, string, number])[] = [
    ...(arch === "amd64" ? [["bios-boot", PARTITION_TYPES.biosBoot, 1] as const] : []),
    ["esp", PARTITION_TYPES.esp, ESP_MIB],
    ["powernode-root", PARTITION_TYPES.linux, Math.ceil(rootBytes / MIB)],
    ["persist", PARTITION_TYPES.linux, PERSIST_MIB],
  ];
  let next = TABLE_MIB;
  const partitions = wanted.map(([name, type, sizeMiB]): Partition => {
    const startMiB = next;
    next += sizeMiB;
    return { name, type, guid: diskUuid(seed, name), startMiB, sizeMiB };
  });
  return { guid: diskUuid(seed, "disk"), sizeMiB: next + TABLE_MIB, partitions };
}

/** A UUID of something on a release's disk: the same in raw and qcow2, which are one disk in two formats. */
export const diskUuid = (seed: string, purpose: string): string => uuidFromName(`${seed}/disk/${purpose}`);

/**
 * The partition with this name.
 * @throws RangeError if the layout has none, for instance bios-boot on arm64
 */
export function partitionNamed(layout: DiskLayout, name: PartitionName): Partition {
  const found = layout.partitions.find((partition) => partition.name === name);
  if (found === undefined) throw new RangeError(`the disk has no partition ${name}`);
  return found;
}

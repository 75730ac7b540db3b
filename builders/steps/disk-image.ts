import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import type { Arch } from "../contract/variant.ts";
import { copySparse } from "../host/sparse-copy.ts";
import { commandLine } from "./command-line.ts";
import { type DiskLayout, diskUuid, MIB, partitionNamed, planDisk } from "./disk-layout.ts";
import { makeExt4Image } from "./ext4-image.ts";
import { fatVolumeId, makeFatImage } from "./fat-image.ts";
import { bootSector, makeGrubBios, placedCore } from "./grub-bios.ts";
import { ESP_PATHS, grubConfig } from "./grub-config.ts";
import type { Kernel } from "./kernel.ts";
import { writePartitionTable } from "./partition-table.ts";
import type { RootImage } from "./root-image.ts";
import type { StepContext } from "./tool.ts";
import { EFI_ARCH, makeUki } from "./uki.ts";

const STEP = "disk";
const SECTOR_BYTES = 512;
const SECTORS_PER_MIB = MIB / SECTOR_BYTES;
/** Bytes that the initramfs measures a partition in. */
const VERITY_BLOCK = 4096;

export type DiskParts = {
  /** `<release>/<version>/<arch>` */
  readonly seed: string;
  readonly arch: Arch;
  readonly kernel: Kernel;
  readonly initramfs: string;
  readonly rootImage: RootImage;
};

/** Kernel command lines of a disk: both name the disk's own root partition. */
function commandLines({ arch, rootImage }: DiskParts, layout: DiskLayout) {
  const rootPartition = partitionNamed(layout, "powernode-root").guid;
  return {
    normal: commandLine(arch, rootImage.hash, { rootPartition }),
    recovery: commandLine(arch, rootImage.hash, { rootPartition, recovery: true }),
  };
}

/** A part of the disk: the file that holds it all, where files beside it may be made, and its plan. */
type Disk = { readonly path: string; readonly folder: string; readonly layout: DiskLayout };

/** The ESP: UKI for UEFI; on amd64 also what GRUB reads under BIOS, where a UKI cannot start. */
async function makeEsp(context: StepContext, parts: DiskParts, { path, folder, layout }: Disk): Promise<void> {
  const { arch, kernel, initramfs } = parts;
  const { normal, recovery } = commandLines(parts, layout);
  const uki = await makeUki(context, STEP, folder, {
    ...{ arch, kernel: kernel.image, kernelVersion: kernel.version, initramfs },
    ...{ commandLine: normal, recoveryCommandLine: recovery },
  });
  const config = join(folder, "grub.cfg");
  await writeFile(config, grubConfig(normal, recovery));
  const { startMiB, sizeMiB } = partitionNamed(layout, "esp");
  await makeFatImage(context, STEP, {
    ...{ path, startMiB, sizeMiB, label: "ESP", volumeId: fatVolumeId(diskUuid(parts.seed, "esp-fs")) },
    files: [
      { source: uki, target: `EFI/BOOT/${EFI_ARCH[arch].bootFile}` },
      ...(arch === "amd64"
        ? [
            { source: kernel.image, target: ESP_PATHS.kernel },
            { source: initramfs, target: ESP_PATHS.initramfs },
            { source: config, target: ESP_PATHS.config },
          ]
        : []),
    ],
  });
}

async function makePersist(context: StepContext, { seed }: DiskParts, { path, layout }: Disk): Promise<void> {
  const { startMiB, sizeMiB } = partitionNamed(layout, "persist");
  const uuid = diskUuid(seed, "persist-fs");
  await makeExt4Image(context, STEP, {
    ...{ path, startMiB, sizeMiB, label: "persist", uuid, hashSeed: diskUuid(seed, "persist-hash") },
  });
}

async function copyRoot({ rootImage }: DiskParts, { path, layout }: Disk): Promise<void> {
  await using file = await open(path, "r+");
  await copySparse(rootImage.path, file, partitionNamed(layout, "powernode-root").startMiB * MIB);
}

/** Puts GRUB where the firmware looks: the first sector's code, and core.img in the BIOS boot partition. */
async function writeBootCode(context: StepContext, { path, folder, layout }: Disk): Promise<void> {
  const espNumber = layout.partitions.indexOf(partitionNamed(layout, "esp")) + 1;
  const grub = await makeGrubBios(context, STEP, folder, espNumber);
  const { startMiB, sizeMiB } = partitionNamed(layout, "bios-boot");
  const start = startMiB * SECTORS_PER_MIB;
  await using file = await open(path, "r+");
  const { buffer } = await file.read(Buffer.alloc(SECTOR_BYTES), 0, SECTOR_BYTES, 0);
  await file.write(bootSector(grub.boot, buffer, start), 0, SECTOR_BYTES, 0);
  const core = placedCore(grub.core, start, sizeMiB * SECTORS_PER_MIB);
  await file.write(core, 0, core.length, startMiB * MIB);
}

/**
 * A whole disk as a sparse file at `path`: table, boot code, ESP, root image, persist, each written in its place. No
 * mount, no loop device; no byte outside of its parts is written.
 * @throws BuildError OutputInvalid if a part does not fit its partition, or as the steps that make the parts
 */
export async function makeDiskImage(context: StepContext, parts: DiskParts, path: string): Promise<void> {
  const { seed, arch, rootImage } = parts;
  const { sizeBytes } = rootImage.hash;
  if (sizeBytes % VERITY_BLOCK !== 0) {
    const message = `the root image has ${sizeBytes} bytes, which is no multiple of ${VERITY_BLOCK}`;
    const remedy = "mkfs.erofs writes whole blocks: its log is logs/root-image.log";
    throw new BuildError({ code: "OutputInvalid", step: STEP, message, remedy });
  }
  const layout = planDisk(seed, arch, sizeBytes);
  const folder = join(context.work, "disk");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await rm(path, { force: true });
  {
    await using file = await open(path, "wx");
    await file.truncate(layout.sizeMiB * MIB);
  }
  await writePartitionTable(context, STEP, path, layout);
  const disk = { path, folder, layout };
  await Promise.all([
    makeEsp(context, parts, disk),
    makePersist(context, parts, disk),
    copyRoot(parts, disk),
    ...(arch === "amd64" ? [writeBootCode(context, disk)] : []),
  ]);
  await rm(folder, { recursive: true });
}

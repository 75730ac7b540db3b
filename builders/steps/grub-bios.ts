import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BuildError } from "../contract/build-failure.ts";
import { BIOS_MODULES } from "./grub-config.ts";
import { runTool, type StepContext } from "./tool.ts";

const SECTOR = 512;
const GRUB = "/usr/lib/grub/i386-pc";

/**
 * Offsets in boot.img and diskboot.img, the first sector of core.img (GRUB 2.12, include/grub/i386/pc/boot.h and
 * include/grub/offsets.h).
 */
const BOOT = { bpbStart: 0x03, bpbEnd: 0x5a, kernelSector: 0x5c, driveCheck: 0x66, codeEnd: 0x1b8, signature: 0x1fe };
const BLOCK_LIST = { offset: SECTOR - 12, sectorBytes: 8 };
/** Segment that the second sector of core.img is loaded to: 0x800, one sector on. */
const SECOND_SECTOR_SEGMENT = 0x820;

function refuse(message: string): never {
  throw new BuildError({
    code: "OutputInvalid",
    step: "grub",
    message,
    remedy: "the toolchain's GRUB is not the one that this builder knows: compare with its boot.h and offsets.h",
  });
}

/**
 * The first sector of a disk: GRUB's boot.img, told where core.img starts, around the partition table that stands in
 * `sector` already. What `grub-bios-setup` does for a hard disk (util/setup.c), without a block device.
 * @param sector first sector of the image, with its protective MBR
 * @param coreSector sector that core.img starts at
 * @throws BuildError OutputInvalid if boot.img is not GRUB's
 */
export function bootSector(bootImage: Uint8Array, sector: Uint8Array, coreSector: number): Buffer {
  if (bootImage.length !== SECTOR || sector.length !== SECTOR)
    refuse(`boot.img has ${bootImage.length} bytes, not 512`);
  const result = Buffer.from(sector);
  const boot = Buffer.from(bootImage);
  if (boot.readUInt16LE(BOOT.signature) !== 0xaa55) refuse("boot.img has no boot signature");
  // a short jump that skips the work-around for firmware that passes a wrong drive: two nops let it run
  if (boot[BOOT.driveCheck] !== 0xeb) refuse("boot.img has no drive check");
  boot.writeUInt16LE(0x9090, BOOT.driveCheck);
  boot.writeBigUInt64LE(BigInt(coreSector), BOOT.kernelSector);
  sector.slice(BOOT.bpbStart, BOOT.bpbEnd).forEach((byte, index) => boot.writeUInt8(byte, BOOT.bpbStart + index));
  boot.copy(result, 0, 0, BOOT.codeEnd);
  result.writeUInt16LE(0xaa55, BOOT.signature);
  return result;
}

/**
 * core.img for a place on the disk: its first sector loads the rest, so it gets the rest's sector, length in sectors
 * and load segment as the only entry of its block list.
 * @param coreSector sector that it will start at
 * @param maxSectors size of the BIOS boot partition
 * @throws BuildError OutputInvalid if it does not fit or its block list is not where it must be
 */
export function placedCore(coreImage: Uint8Array, coreSector: number, maxSectors: number): Buffer {
  const sectors = Math.ceil(coreImage.length / SECTOR);
  if (sectors > maxSectors) refuse(`core.img has ${sectors} sectors; the BIOS boot partition has ${maxSectors}`);
  if (sectors < 2) refuse(`core.img has ${coreImage.length} bytes, less than two sectors`);
  const core = Buffer.alloc(sectors * SECTOR);
  core.set(coreImage);
  const { offset, sectorBytes } = BLOCK_LIST;
  const segment = core.readUInt16LE(offset + sectorBytes + 2);
  if (segment !== SECOND_SECTOR_SEGMENT)
    refuse(`core.img loads itself to segment ${segment}, not ${SECOND_SECTOR_SEGMENT}`);
  core.writeBigUInt64LE(BigInt(coreSector + 1), offset);
  core.writeUInt16LE(sectors - 1, offset + sectorBytes);
  return core;
}

/** Both files of GRUB's BIOS boot, not yet placed. */
export type GrubBios = { readonly boot: Uint8Array; readonly core: Uint8Array };

/**
 * Makes core.img, whose prefix names a partition of the disk that the firmware booted: another disk with the same
 * release is never read.
 * @param espNumber number of the ESP in the partition table, from 1
 * @throws BuildError as runTool
 */
export async function makeGrubBios(
  context: StepContext,
  step: string,
  folder: string,
  espNumber: number,
): Promise<GrubBios> {
  const path = join(folder, "core.img");
  await runTool(context, {
    step,
    program: "grub-mkimage",
    args: ["-O", "i386-pc", "-d", GRUB, "-p", `(,gpt${espNumber})/grub`, "-o", path, ...BIOS_MODULES],
  });
  return { boot: await readFile(join(GRUB, "boot.img")), core: await readFile(path) };
}

import { fileAccess, type ImageFile } from "../../../builders/readers/image-file.ts";
import { type Fat, readFat } from "../../../builders/readers/fat.ts";
import { walkFat } from "../../../builders/readers/fat-directory.ts";
import { type Gpt, type GptPartition, gptPartition, readGpt } from "../../../builders/readers/gpt.ts";
import { readPe } from "../../../builders/readers/pe.ts";
import { guestAccess } from "../../../builders/readers/qcow2-clusters.ts";
import { readQcow2 } from "../../../builders/readers/qcow2.ts";
import { openFile, type RandomAccess, rangeAccess } from "../../../builders/readers/random-access.ts";
import type { Arch } from "../../../builders/contract/variant.ts";
import { kernelParameter } from "../../domain/boot-artifact.ts";
import { ReleaseError } from "../../domain/errors.ts";

const MIB = 1024 * 1024;

/** What a disk image says about its own boot. */
export type DiskFacts = {
  readonly arch: Arch;
  /** of the UKI that UEFI starts */
  readonly commandLine: string;
  /** GUID of the partition powernode-root, in lower case */
  readonly rootPartition: string;
  /** size of the partition persist, MiB */
  readonly persistMiB: number;
};

/** A UEFI system without boot entries starts this (UEFI Specification 2.10, section 3.5.1.1). */
const BOOT_FILE = /^\/efi\/boot\/boot(x64|aa64)\.efi$/i;

function refuse(path: string, what: string): never {
  throw new ReleaseError("VerificationFailed", `${path}: ${what}`, "build or download the artifact again");
}

function partition(path: string, gpt: Gpt, name: string): GptPartition {
  const [found, second] = gpt.partitions.filter((one) => one.name === name);
  if (found === undefined || second !== undefined) refuse(path, `it does not have exactly one partition ${name}`);
  return found;
}

async function bootFile(image: RandomAccess, fat: Fat): Promise<ImageFile | undefined> {
  for await (const file of walkFat(image, fat)) {
    if (file.type === "file" && BOOT_FILE.test(file.path)) return file;
  }
  return undefined;
}

/** Machine and command line of the UKI on the ESP. */
async function readUki(path: string, esp: RandomAccess): Promise<{ arch: Arch; commandLine: string }> {
  const fat = await readFat(esp);
  const file = fat === null ? undefined : await bootFile(esp, fat);
  if (file === undefined) refuse(path, "its ESP has no EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI");
  const program = fileAccess(esp, file);
  const pe = await readPe(program);
  // the first one: profiles that follow have their own
  const section = pe?.sections.find(({ name }) => name === ".cmdline");
  if (pe === null || pe.machine === "other" || section === undefined) {
    refuse(path, `${file.path} on its ESP is no unified kernel image for amd64 or arm64`);
  }
  const content = rangeAccess(program, `${path}:.cmdline`, section.offset, section.length);
  const commandLine = Buffer.from(await content.readAt(0, content.size)).toString("utf8");
  return { arch: pe.machine, commandLine: commandLine.replace(/\0+$/, "").trim() };
}

/**
 * Reads what a raw or qcow2 disk boots, without mounting it.
 * @throws ReleaseError VerificationFailed if a partition or the UKI is missing, or the command line names another root
 * partition than the disk has; BuildError OutputInvalid if a structure cannot be read
 */
export async function readDisk(path: string): Promise<DiskFacts> {
  await using file = await openFile(path);
  const qcow2 = await readQcow2(file);
  const disk = qcow2 === null ? file : guestAccess(file, qcow2);
  const gpt = await readGpt(disk);
  if (gpt === null) refuse(path, "it has no GUID partition table");
  const { arch, commandLine } = await readUki(path, gptPartition(disk, partition(path, gpt, "esp")));
  const rootPartition = partition(path, gpt, "powernode-root").uniqueGuid.toLowerCase();
  const named = kernelParameter(commandLine, "powernode.root.partuuid");
  if (named !== rootPartition) {
    refuse(path, `its command line names the root partition ${named ?? "(none)"}, its table ${rootPartition}`);
  }
  return { arch, commandLine, rootPartition, persistMiB: partition(path, gpt, "persist").length / MIB };
}

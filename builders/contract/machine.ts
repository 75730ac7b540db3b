import type { Bus, Firmware } from "./boot.ts";
import type { Arch } from "./variant.ts";

/** A QEMU program and its arguments. */
export type Machine = { readonly program: string; readonly args: readonly string[] };

/** What a machine boots: a kernel that QEMU loads itself, or a disk. */
export type Medium =
  | { readonly kind: "kernel"; readonly kernel: string; readonly initramfs: string; readonly commandLine: string }
  | {
      readonly kind: "disk";
      readonly file: string;
      readonly format: "raw" | "qcow2";
      readonly firmware: Firmware;
      readonly bus: Bus;
    };

export type MachineOptions = {
  readonly arch: Arch;
  readonly memoryMiB: number;
  /** UUID for the guest through fw-cfg */
  readonly identity: string;
  readonly medium: Medium;
};

type ArchMachine = {
  readonly program: string;
  readonly args: readonly string[];
  /** UEFI firmware and its empty variable store, where Debian's packages ovmf and qemu-efi-aarch64 put them */
  readonly uefi: { readonly code: string; readonly variables: string };
};

/**
 * TCG machines that have booted these images (builds.md A, "Boots"): emulation works everywhere, also where /dev/kvm
 * does not.
 */
const MACHINES: Readonly<Record<Arch, ArchMachine>> = {
  amd64: {
    program: "qemu-system-x86_64",
    args: ["-machine", "q35", "-cpu", "max"],
    uefi: { code: "/usr/share/OVMF/OVMF_CODE_4M.fd", variables: "/usr/share/OVMF/OVMF_VARS_4M.fd" },
  },
  arm64: {
    program: "qemu-system-aarch64",
    args: ["-machine", "virt", "-cpu", "cortex-a72"],
    uefi: { code: "/usr/share/AAVMF/AAVMF_CODE.no-secboot.fd", variables: "/usr/share/AAVMF/AAVMF_VARS.fd" },
  },
};

/** What starts disks of an architecture, the most common first; every image is booted in each. */
export const firmwaresFor = (arch: Arch): readonly Firmware[] => (arch === "amd64" ? ["bios", "uefi"] : ["uefi"]);

const DRIVE = "disk0";

/** Devices that put the drive on a bus. q35 has an AHCI controller of its own; virt has none. */
function busDevices(arch: Arch, bus: Bus): string[] {
  const drive = `drive=${DRIVE},bootindex=0`;
  switch (bus) {
    case "virtio-blk":
      return ["-device", `virtio-blk-pci,${drive}`];
    case "virtio-scsi":
      return ["-device", "virtio-scsi-pci,id=scsi0", "-device", `scsi-hd,bus=scsi0.0,${drive}`];
    case "nvme":
      return ["-device", `nvme,serial=powernode,${drive}`];
    case "ahci":
      return arch === "amd64"
        ? ["-device", `ide-hd,bus=ide.0,${drive}`]
        : ["-device", "ahci,id=ahci0", "-device", `ide-hd,bus=ahci0.0,${drive}`];
  }
}

/** A comma in a file's name is doubled in QEMU's options (qemu(1), "-drive"). */
const optionValue = (path: string): string => path.replaceAll(",", ",,");

function mediumArguments(arch: Arch, medium: Medium): string[] {
  if (medium.kind === "kernel") {
    return ["-kernel", medium.kernel, "-initrd", medium.initramfs, "-append", medium.commandLine];
  }
  const { code, variables } = MACHINES[arch].uefi;
  const firmware =
    medium.firmware === "bios"
      ? []
      : [
          ...["-drive", `if=pflash,unit=0,format=raw,readonly=on,file=${code}`],
          ...["-drive", `if=pflash,unit=1,format=raw,snapshot=on,file=${variables}`],
        ];
  // snapshot: what the guest writes goes to a temporary file, so that neither image nor firmware changes
  const drive = `if=none,id=${DRIVE},format=${medium.format},snapshot=on,file=${optionValue(medium.file)}`;
  return [...firmware, "-drive", drive, ...busDevices(arch, medium.bus)];
}

/**
 * The QEMU (10 or later) that boots an image: no network, the identity through fw-cfg, the console on standard output.
 * It changes neither the image nor the firmware's variables.
 * @throws RangeError for BIOS on an architecture without one
 */
export function machineFor({ arch, memoryMiB, identity, medium }: MachineOptions): Machine {
  if (medium.kind === "disk" && !firmwaresFor(arch).includes(medium.firmware)) {
    throw new RangeError(`${arch} machines have no ${medium.firmware}`);
  }
  const { program, args } = MACHINES[arch];
  return {
    program,
    args: [
      ...args,
      ...["-accel", "tcg", "-smp", "2", "-m", `${memoryMiB}M`],
      ...["-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot"],
      ...["-device", "virtio-rng-pci"],
      ...["-fw_cfg", `name=opt/com.powernode/instance_uuid,string=${identity}`],
      ...mediumArguments(arch, medium),
    ],
  };
}

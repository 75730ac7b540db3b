import type { BootRequest } from "../contract/boot.ts";
import type { Arch } from "../contract/variant.ts";

/** A QEMU program and its arguments. */
export type Machine = { readonly program: string; readonly args: readonly string[] };

type ArchMachine = { readonly program: string; readonly args: readonly string[] };

/**
 * TCG machines that have booted these images (builds.md A, "Boots"): emulation works everywhere, also where /dev/kvm
 * does not.
 */
const MACHINES: Readonly<Record<Arch, ArchMachine>> = {
  amd64: { program: "qemu-system-x86_64", args: ["-machine", "q35", "-cpu", "max"] },
  arm64: { program: "qemu-system-aarch64", args: ["-machine", "virt", "-cpu", "cortex-a72"] },
};

/**
 * QEMU for a kernel-initrd artifact in `folder`: its own kernel, initramfs and command line, no disk, no network, the
 * identity through fw-cfg, the console on standard output.
 * @param commandLine content of the artifact's `cmdline`
 */
export function kernelInitrdMachine(request: BootRequest, folder: string, commandLine: string): Machine {
  const { program, args } = MACHINES[request.arch];
  return {
    program,
    args: [
      ...args,
      ...["-accel", "tcg", "-smp", "2", "-m", `${request.memoryMiB}M`],
      ...["-nodefaults", "-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot"],
      ...["-device", "virtio-rng-pci"],
      ...["-fw_cfg", `name=opt/com.powernode/instance_uuid,string=${request.identity}`],
      ...["-kernel", `${folder}/kernel`, "-initrd", `${folder}/initramfs.cpio.zst`],
      ...["-append", commandLine],
    ],
  };
}

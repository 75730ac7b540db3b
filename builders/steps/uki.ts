import { join } from "node:path";
import type { Arch } from "../contract/variant.ts";
import { perturb } from "./perturb.ts";
import { runTool, type StepContext } from "./tool.ts";

/** Names that EFI gives an architecture (UEFI Specification 2.10, section 3.5.1.1), and systemd-stub's. */
export const EFI_ARCH: Readonly<Record<Arch, { readonly name: string; readonly bootFile: string }>> = {
  amd64: { name: "x64", bootFile: "BOOTX64.EFI" },
  arm64: { name: "aa64", bootFile: "BOOTAA64.EFI" },
};

const STUBS = "/usr/lib/systemd/boot/efi";

export type Uki = {
  readonly arch: Arch;
  readonly kernel: string;
  readonly kernelVersion: string;
  readonly initramfs: string;
  readonly commandLine: string;
  /** command line of the second profile, which EFI starts with the load option `@1` */
  readonly recoveryCommandLine: string;
};

/**
 * A unified kernel image in `<work>/disk/uki.efi` with two profiles (ukify(1), "Multi-profile"; docs/adr/0006): the
 * normal command line, and recovery. Its PE time stamp is the stub's, so it is the same at every time.
 * @returns its path
 * @throws BuildError as runTool
 */
export async function makeUki(context: StepContext, step: string, folder: string, uki: Uki): Promise<string> {
  const { name } = EFI_ARCH[uki.arch];
  const recovery = join(folder, "recovery-profile.efi");
  const output = join(folder, "uki.efi");
  const ukify = (...args: string[]) =>
    runTool(context, { step, program: "ukify", args: ["build", `--efi-arch=${name}`, ...args] });
  await ukify(
    // a profile holds its own sections only; the stub of addons brings none of its own
    `--stub=${STUBS}/addon${name}.efi.stub`,
    "--profile=ID=recovery\nTITLE=Recovery",
    `--cmdline=${uki.recoveryCommandLine}`,
    `--output=${recovery}`,
  );
  await ukify(
    `--stub=${STUBS}/linux${name}.efi.stub`,
    `--linux=${uki.kernel}`,
    `--initrd=${uki.initramfs}`,
    `--uname=${uki.kernelVersion}`,
    `--os-release=@${join(context.work, "root/usr/lib/os-release")}`,
    "--profile=ID=main",
    `--cmdline=${uki.commandLine}`,
    `--join-profile=${recovery}`,
    `--output=${output}`,
  );
  await perturb(context, "uki", output);
  return output;
}

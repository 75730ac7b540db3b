import type { Arch } from "../contract/variant.ts";
import type { FileHash } from "../host/hash-file.ts";

/** The serial console that exists on the arch: naming another arch's hides the initramfs' messages. */
const SERIAL: Readonly<Record<Arch, string>> = { amd64: "ttyS0,115200", arm64: "ttyAMA0,115200" };

/** `rootPartition`: GUID of the partition with the root image; without it the initramfs carries the image itself. */
export type BootChoice = { readonly rootPartition?: string; readonly recovery?: boolean };

/** Kernel command line of an image: the platform's parameters, and what the initramfs verifies the root against. */
export const commandLine = (arch: Arch, root: FileHash, choice: BootChoice = {}): string =>
  [
    "console=tty0",
    `console=${SERIAL[arch]}`,
    "lockdown=integrity",
    "ima_appraise=enforce",
    "ima_template=ima-ng",
    `powernode.boot=${choice.recovery === true ? 0 : 1}`,
    `powernode.root.size=${root.sizeBytes}`,
    `powernode.root.fsverity=${root.fsverity.digest}`,
    ...(choice.rootPartition === undefined ? [] : [`powernode.root.partuuid=${choice.rootPartition}`]),
  ].join(" ");

/** What GRUB's BIOS core needs to read its configuration and start Linux from the ESP of its own disk. */
export const BIOS_MODULES = [
  "biosdisk",
  "part_gpt",
  "fat",
  "normal",
  "linux",
  "terminal",
  "serial",
  "test",
  "echo",
  "configfile",
  "ls",
  "cat",
  "reboot",
  "halt",
] as const;

/** Where the BIOS boot files lie on the ESP. */
export const ESP_PATHS = { kernel: "grub/vmlinuz", initramfs: "grub/initrd.img", config: "grub/grub.cfg" } as const;

/**
 * grub.cfg: boots at once; `r` pressed before, or Esc and the menu, starts recovery. Paths have no device, so they are
 * on the partition that the configuration itself was read from.
 */
export const grubConfig = (commandLine: string, recoveryCommandLine: string): string => `\
if serial --unit=0 --speed=115200; then
  terminal_input console serial
  terminal_output console serial
fi
set default=0
set timeout_style=hidden
set timeout=0
menuentry "Powernode" --id=powernode {
  linux /${ESP_PATHS.kernel} ${commandLine}
  initrd /${ESP_PATHS.initramfs}
}
menuentry "Powernode recovery" --id=recovery --hotkey=r {
  linux /${ESP_PATHS.kernel} ${recoveryCommandLine}
  initrd /${ESP_PATHS.initramfs}
}
`;

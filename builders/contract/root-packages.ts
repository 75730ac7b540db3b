/**
 * What every target root has beside the essential packages and its kernel: enough to boot, verify itself, reach a
 * network and take updates of its identity. Each with its reason.
 */
export const ROOT_PACKAGES: Readonly<Record<string, string>> = {
  "ca-certificates": "the agent and the claim of an identity speak TLS",
  "cryptsetup-bin": "veritysetup: measures a root image on a partition, which fsverity cannot",
  dbus: "systemd's tools talk to systemd over it",
  dracut: "makes the initramfs; the whole package, since a kernel brings initramfs-tools where only dracut-core is",
  e2fsprogs: "checks the persistent file system",
  fdisk: "sfdisk: grows the persistent partition to the end of its disk",
  fsverity: "the initramfs measures a root image in a file with it before it mounts",
  iproute2: "addresses and routes by hand when the network is what is broken",
  kmod: "loads kernel modules",
  "systemd-resolved": "name resolution",
  "systemd-sysv": "makes systemd the init",
  udev: "device nodes and module loading",
  "util-linux": "mount, switch_root, losetup",
};

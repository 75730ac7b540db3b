import { describe, expect, it } from "vitest";
import { initramfsFaults } from "./initramfs.ts";

const kernel = { version: "6.12.117+deb13-amd64", image: "", modules: "" };
const modules = `usr/lib/modules/${kernel.version}`;
const complete = [
  "init",
  "usr/lib/dracut/hooks/cmdline/90-parse-powernode.sh",
  "usr/lib/dracut/hooks/mount/10-mount-powernode.sh",
  "usr/lib/powernode/lib.sh",
  "usr/lib/powernode/disk.sh",
  "usr/bin/fsverity",
  "usr/sbin/veritysetup",
  "usr/sbin/switch_root",
  `${modules}/modules.dep`,
  ...[
    "fs/erofs/erofs",
    "fs/overlayfs/overlay",
    "drivers/block/loop",
    "drivers/firmware/qemu_fw_cfg",
    "drivers/block/virtio_blk",
    "drivers/scsi/virtio_scsi",
    "drivers/nvme/host/nvme",
    "drivers/ata/ahci",
  ].map((module) => `${modules}/kernel/${module}.ko.xz`),
];
const filler = Array.from({ length: 600 }, (_, index) => `usr/share/file${index}`);

describe("initramfsFaults", () => {
  it("finds nothing wrong with a complete one", () => {
    expect(initramfsFaults(kernel, 30_000_000, [...complete, ...filler])).toEqual([]);
  });
  it("refuses dracut's 1,665-byte success", () => {
    expect(initramfsFaults(kernel, 1665, complete).slice(0, 2)).toEqual([
      "it has 1665 bytes, at least 8000000 are needed",
      `it has ${complete.length} members, at least 500 are needed`,
    ]);
  });
  it("names each member that is missing, and is not content with another kernel's modules", () => {
    for (const gone of complete) {
      const members = [...complete.filter((member) => member !== gone), gone.replace("deb13", "deb12x"), ...filler];
      const faults = initramfsFaults(
        kernel,
        30_000_000,
        gone.includes("deb13") ? members : members.filter((m) => m !== gone),
      );
      expect(faults, gone).toHaveLength(1);
    }
  });
});

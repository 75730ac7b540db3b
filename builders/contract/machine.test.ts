import { describe, expect, it } from "vitest";
import { BUSES } from "./boot.ts";
import { firmwaresFor, type Medium, machineFor } from "./machine.ts";
import { ARCHES } from "./variant.ts";

const identity = "807d037f-38ff-4456-ac29-4a57f409007c";
const disk = { kind: "disk", file: "/a/installer.img", format: "raw", firmware: "uefi", bus: "virtio-blk" } as const;
const machine = (arch: "amd64" | "arm64", medium: Medium) => machineFor({ arch, memoryMiB: 1536, identity, medium });

/** Values of an option that may be given more than once. */
const values = (args: readonly string[], option: string) =>
  args.flatMap((arg, index) => (arg === option ? [args[index + 1] ?? ""] : []));

describe("machineFor", () => {
  it("never writes to the image or to the firmware's variables", () => {
    for (const arch of ARCHES) {
      for (const firmware of firmwaresFor(arch)) {
        for (const bus of BUSES) {
          const drives = values(machine(arch, { ...disk, firmware, bus }).args, "-drive");
          expect(drives).toHaveLength(firmware === "uefi" ? 3 : 1);
          for (const drive of drives) expect(drive).toMatch(/(^|,)(snapshot=on|readonly=on)(,|$)/);
        }
      }
    }
  });
  it("attaches the disk to exactly one device, and boots it first", () => {
    for (const arch of ARCHES) {
      for (const bus of BUSES) {
        const devices = values(machine(arch, { ...disk, bus }).args, "-device");
        expect(
          devices.filter((device) => device.includes("drive=disk0,bootindex=0")),
          `${arch} ${bus}`,
        ).toHaveLength(1);
      }
    }
    const bus = (name: (typeof BUSES)[number]) =>
      values(machine("amd64", { ...disk, bus: name }).args, "-device").at(-1);
    expect(BUSES.map((name) => bus(name)?.split(",")[0])).toEqual(["virtio-blk-pci", "scsi-hd", "nvme", "ide-hd"]);
  });
  it("doubles commas of a file's name", () => {
    expect(values(machine("amd64", { ...disk, file: "/a,b.img" }).args, "-drive").at(-1)).toMatch(/,file=\/a,,b\.img$/);
  });
  it("has no BIOS on arm64", () => {
    expect(() => machine("arm64", { ...disk, firmware: "bios" })).toThrow("arm64 machines have no bios");
  });
  it("hands over the identity and has no network", () => {
    const medium = { kind: "kernel", kernel: "/k", initramfs: "/i", commandLine: "a b" } as const;
    const { args } = machine("amd64", medium);
    expect(values(args, "-fw_cfg")).toEqual([`name=opt/com.powernode/instance_uuid,string=${identity}`]);
    expect(values(args, "-nic")).toEqual(["none"]);
    expect(values(args, "-append")).toEqual(["a b"]);
  });
});

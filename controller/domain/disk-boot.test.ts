import { describe, expect, it } from "vitest";
import { diskBootFor } from "./disk-boot.ts";

describe("diskBootFor", () => {
  it("takes the architecture's most common firmware and virtio-blk without a choice", () => {
    expect(diskBootFor("amd64", 128, {})).toMatchObject({ firmware: "bios", bus: "virtio-blk" });
    expect(diskBootFor("arm64", 128, {})).toMatchObject({ firmware: "uefi" });
    expect(diskBootFor("amd64", 128, { firmware: "uefi", bus: "nvme" })).toMatchObject({
      firmware: "uefi",
      bus: "nvme",
    });
  });
  it("can only pass if persist grew", () => {
    const { extraMiB, persistMiB } = diskBootFor("amd64", 128, {});
    expect(persistMiB).toBeGreaterThan(128);
    expect(persistMiB).toBeLessThan(128 + extraMiB);
  });
  it("refuses BIOS on arm64", () => {
    expect(() => diskBootFor("arm64", 128, { firmware: "bios" })).toThrow("arm64 machines have no bios");
  });
});

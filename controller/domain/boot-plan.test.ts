import { describe, expect, it } from "vitest";
import { bootName, bootPlan } from "./boot-plan.ts";

describe("bootPlan", () => {
  it("boots each disk in every firmware of its arch, and a kernel once", () => {
    expect(bootPlan(["kernel-initrd", "raw", "qcow2"], "amd64").map(bootName)).toEqual([
      "kernel-initrd",
      "raw-bios",
      "raw-uefi",
      "qcow2-bios",
      "qcow2-uefi",
    ]);
    expect(bootPlan(["raw"], "arm64").map(bootName)).toEqual(["raw-uefi"]);
  });
});

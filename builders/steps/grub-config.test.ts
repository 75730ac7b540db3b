import { describe, expect, it } from "vitest";
import { ESP_PATHS, grubConfig } from "./grub-config.ts";

describe("grubConfig", () => {
  const lines = grubConfig("quiet powernode.boot=1", "quiet powernode.boot=0")
    .split("\n")
    .map((line) => line.trim());

  it("boots the first entry at once and has recovery on a key", () => {
    expect(lines).toContain("set default=0");
    expect(lines).toContain("set timeout=0");
    const entries = lines.filter((line) => line.startsWith("menuentry"));
    expect(entries).toHaveLength(2);
    expect(entries[1]).toContain("--hotkey=r");
  });
  it("starts the same kernel and initramfs with either command line, from the partition it was read from", () => {
    expect(lines.filter((line) => line.startsWith("linux"))).toEqual([
      `linux /${ESP_PATHS.kernel} quiet powernode.boot=1`,
      `linux /${ESP_PATHS.kernel} quiet powernode.boot=0`,
    ]);
    expect(lines.filter((line) => line === `initrd /${ESP_PATHS.initramfs}`)).toHaveLength(2);
  });
});

import { describe, expect, it } from "vitest";
import { planDisk } from "./disk-layout.ts";
import { gptScript } from "./partition-table.ts";

describe("gptScript", () => {
  it("leaves sfdisk nothing to choose", () => {
    const layout = planDisk("demo/1/amd64", "amd64", 3 * 1024 * 1024 + 1);
    const lines = gptScript(layout).split("\n");
    expect(lines).toContain("label: gpt");
    expect(lines).toContain(`label-id: ${layout.guid}`);
    expect(lines).toContain("first-lba: 34");
    expect(lines).toContain(`last-lba: ${layout.sizeMiB * 2048 - 34}`);
    const partitions = lines.filter((line) => line.startsWith("start="));
    expect(partitions).toHaveLength(4);
    for (const line of partitions) {
      expect(line).toMatch(/^start=\d+, size=\d+, type=[0-9a-f-]{36}, uuid=[0-9a-f-]{36}, name="[a-z-]+"$/);
    }
    expect(partitions[2]).toMatch(/^start=1052672, size=8192, .*name="powernode-root"$/);
  });
});

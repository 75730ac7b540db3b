import { expect, it } from "vitest";
import type { Finding } from "../../builders/contract/difference.ts";
import type { ComparisonReport, VersionComparison } from "./comparison-report.ts";
import { comparisonText, findingText } from "./comparison-text.ts";

const found: Finding = {
  trail: [
    { kind: "partition", name: "esp", offset: 4096 },
    { kind: "path", name: "/EFI/BOOT/BOOTX64.EFI", offset: 136 },
  ],
  aspect: "time stamp",
  values: ["1", "2"],
};

const comparison: VersionComparison = {
  runs: [1, 2],
  sizes: [100, 100],
  firstOffset: 5,
  differingBytes: 10,
  ranges: Array.from({ length: 9 }, (_, index) => ({ offset: 5 + index * 10, length: index === 0 ? 2 : 1 })),
  rangeCount: 12,
  firstByte: found.trail,
  findings: [found],
  notes: ["not taken apart:\u001b[31m torn\n\nhere"],
  diffoscope: { file: "diffoscope/amd64/raw/disk.img.run-1-2.txt" },
};

const report: ComparisonReport = {
  ...{ schemaVersion: 1, release: "demo", version: "1", arch: "amd64", runs: [1, 2], verdict: "NotReproducible" },
  artifacts: [],
  faults: [{ run: 2, path: "amd64/raw/\u001b]0;x\u0007disk.img", message: "is not in the manifest" }],
  differences: [
    { kind: "content", path: "amd64/raw/disk.img", versions: [], comparisons: [comparison] },
    { kind: "missing", path: "amd64/raw/\u202eextra", presentIn: [1], missingIn: [2] },
    {
      ...{ kind: "manifest", field: "kernel_version" },
      values: [
        { run: 1, value: `"${"6".repeat(200)}"` },
        { run: 2, value: null },
      ],
    },
  ],
};

it("names place, field and both values of a finding in one line", () => {
  expect(findingText(found)).toBe('partition "esp" +4096, path "/EFI/BOOT/BOOTX64.EFI" +136: time stamp 1 against 2');
  expect(findingText({ trail: [], aspect: "data", values: [null, null] })).toBe("data");
  expect(findingText({ ...found, trail: [], values: [null, "there"] })).toBe("time stamp none against there");
});

it("shows long values from shortly before their difference on", () => {
  const [left, right] = ["l", "r"].map((byte) => `${"a".repeat(150)}bcd${byte}${"e".repeat(150)}`);
  const text = findingText({ trail: [], aspect: "text", values: [left ?? "", right ?? ""] });
  expect(text).toBe(`text …${"a".repeat(27)}bcdl${"e".repeat(68)}… against …${"a".repeat(27)}bcdr${"e".repeat(68)}…`);
});

it("shows the first ranges, counts the others, and cuts long values", () => {
  const text = comparisonText(report);
  expect(text).toContain(
    "first difference at byte 5, 10 bytes in 12 ranges: 5+2, 15, 25, 35, 45, 55, 65, 75 and 4 more",
  );
  expect(text).toContain('    first byte: partition "esp" +4096');
  expect(text).toContain("    diffoscope: diffoscope/amd64/raw/disk.img.run-1-2.txt\n");
  expect(text).toContain("  run 1 has it, run 2 lacks it\n");
  expect(text).toContain(`  run 1: "${"6".repeat(99)}…\n  run 2: none\n`);
});

it("lets no name steer a terminal", () => {
  expect(comparisonText(report)).not.toMatch(/[^\n\P{Cc}]|\p{Cf}/u);
  expect(comparisonText(report)).toContain("note: not taken apart: torn here\n");
});

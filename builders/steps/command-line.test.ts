import { describe, expect, it } from "vitest";
import type { FileHash } from "../host/hash-file.ts";
import { commandLine } from "./command-line.ts";

const digest = `sha256:${"ab".repeat(32)}` as const;
const root: FileHash = { sha256: "cd".repeat(32), sizeBytes: 8192, fsverity: { digest, rootHash: digest } };

describe("commandLine", () => {
  it("has the platform's parameters and what the initramfs verifies", () => {
    expect(commandLine("amd64", root).split(" ")).toEqual([
      "console=tty0",
      "console=ttyS0,115200",
      "lockdown=integrity",
      "ima_appraise=enforce",
      "ima_template=ima-ng",
      "powernode.boot=1",
      "powernode.root.size=8192",
      `powernode.root.fsverity=${digest}`,
    ]);
  });
  it("ties a disk's boot to its own root partition", () => {
    const rootPartition = "e21f8880-0812-8f5a-a59e-613e11c0972f";
    expect(commandLine("amd64", root, { rootPartition })).toBe(
      `${commandLine("amd64", root)} powernode.root.partuuid=${rootPartition}`,
    );
  });
  it("differs in one parameter for recovery", () => {
    expect(commandLine("arm64", root, { recovery: true })).toBe(
      commandLine("arm64", root).replace("powernode.boot=1", "powernode.boot=0"),
    );
    expect(commandLine("arm64", root)).toContain("console=ttyAMA0,115200");
  });
});

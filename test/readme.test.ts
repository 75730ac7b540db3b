import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { type Medium, machineFor } from "../builders/contract/machine.ts";

const identity = "807d037f-38ff-4456-ac29-4a57f409007c";
const media: readonly Medium[] = [
  { kind: "disk", file: "images/raw/amd64/installer.img", format: "raw", firmware: "bios", bus: "virtio-blk" },
  { kind: "disk", file: "images/qcow2/amd64/cloud.qcow2", format: "qcow2", firmware: "uefi", bus: "virtio-blk" },
];

it.each(media)("README has the command that boots an image: %j", async (medium) => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const { program, args } = machineFor({ arch: "amd64", memoryMiB: 1536, identity, medium });
  expect(readme.replaceAll(/ \\\n +/g, " ")).toContain(`\n${[program, ...args].join(" ")}\n`);
});

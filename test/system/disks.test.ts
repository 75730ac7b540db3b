import { createWriteStream } from "node:fs";
import { chown, cp, mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult, type Firmware } from "../../builders/contract/boot.ts";
import { machineFor, type Medium } from "../../builders/contract/machine.ts";
import { PLAIN } from "../../builders/contract/variation.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { sha256File } from "../../builders/host/files.ts";
import { BOOT_UID, INSIDE } from "../../builders/contract/inside.ts";
import { inSandbox } from "../../builders/host/sandbox.ts";
import { ensureToolchain } from "../../builders/host/toolchain.ts";
import { readFat } from "../../builders/readers/fat.ts";
import { walkFat } from "../../builders/readers/fat-directory.ts";
import { gptPartition, readGpt } from "../../builders/readers/gpt.ts";
import { fileAccess } from "../../builders/readers/image-file.ts";
import { openFile, type RandomAccess, streamOf } from "../../builders/readers/random-access.ts";
import { readToolchainLock } from "../../controller/commands/lock-files.ts";
import { imgrel, PROJECT } from "../imgrel.ts";

// The disk variants against real tools, a changed byte, and recovery. Boots from every bus are the shard "buses".
let folder = "";
let toolchain = "";
const images = (variant: string) => join(folder, "images", variant, "amd64");
const installer = () => join(images("raw"), "installer.img");

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "disks-"));
  const places = ["--state-dir", join(folder, "state"), "--output", join(folder, "images")];
  const built = await imgrel("build", "--arch", "amd64", ...places);
  expect(built.exitCode, built.tail).toBe(0);
  const made = await ensureToolchain({
    ...{ lock: await readToolchainLock("amd64"), cache: cacheRoot(process.env), project: PROJECT },
    ...{ report: () => undefined, signal: new AbortController().signal },
  });
  toolchain = made.root;
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program of the toolchain, the raw image's folder at /in/artifact. */
async function tool(rights: "build" | "boot", work: string, program: string, args: readonly string[]) {
  const binds = [{ source: images("raw"), target: INSIDE.artifact }];
  const env = { ...PLAIN_ENV, TMPDIR: INSIDE.work };
  return inSandbox({ rights, variation: PLAIN, root: toolchain, work, binds, env }, program, args);
}

async function withDisk<T>(
  work: (disk: RandomAccess, partition: (name: string) => RandomAccess) => Promise<T>,
): Promise<T> {
  await using disk = await openFile(installer());
  const gpt = await readGpt(disk);
  if (gpt === null) throw new Error("no GPT");
  return await work(disk, (name) => {
    const found = gpt.partitions.find((one) => one.name === name);
    if (found === undefined) throw new Error(`no partition ${name}`);
    return gptPartition(disk, found);
  });
}

describe("the raw image", () => {
  it("takes as much disk as its content, and qcow2 holds the same disk", async () => {
    const { size, blocks } = await stat(installer());
    expect(blocks * 512).toBeLessThan(size / 2);
    const { size: qcow2 } = await stat(join(images("qcow2"), "cloud.qcow2"));
    expect(qcow2).toBeLessThan(blocks * 512 * 1.1);
  });
  it("is sound to sfdisk, fsck.fat and e2fsck", async () => {
    const work = await mkdtemp(join(folder, "check-"));
    const starts = await withDisk(async (_, partition) => {
      await pipeline(Readable.from(streamOf(partition("esp"))), createWriteStream(join(work, "esp.img")));
      await pipeline(Readable.from(streamOf(partition("persist"))), createWriteStream(join(work, "persist.img")));
      return partition("powernode-root").size;
    });
    expect(starts % (1024 * 1024)).toBe(0);
    const checks: readonly (readonly [string, readonly string[]])[] = [
      ["sfdisk", ["--verify", "--quiet", `${INSIDE.artifact}/installer.img`]],
      ["fsck.fat", ["-n", "-v", "esp.img"]],
      ["e2fsck", ["-f", "-n", "persist.img"]],
    ];
    for (const [program, args] of checks) {
      const outcome = await exec(await tool("build", work, program, args));
      expect(outcome.exitCode, outcome.tail).toBe(0);
    }
    await rm(work, { recursive: true });
  });
});

describe("a guest", () => {
  it("refuses a root partition of which one byte differs", async () => {
    const copy = join(folder, "tampered");
    await cp(images("raw"), copy, { recursive: true });
    const path = join(copy, "installer.img");
    const last = await withDisk(async (disk, partition) => {
      // the last byte that counts: behind it the partition is filled up to a MiB
      const root = partition("powernode-root");
      const start = (await readGpt(disk))?.partitions.find(({ name }) => name === "powernode-root")?.offset ?? 0;
      const manifest: unknown = JSON.parse(await readFile(join(images("raw"), "build-manifest.json"), "utf8"));
      const size = (manifest as { root_image: { size_bytes: number } }).root_image.size_bytes;
      expect(size).toBeLessThanOrEqual(root.size);
      return start + size - 1;
    });
    {
      await using file = await open(path, "r+");
      const { buffer } = await file.read(Buffer.alloc(1), 0, 1, last);
      await file.write(Buffer.of((buffer[0] ?? 0) ^ 1), 0, 1, last);
    }
    await writeFile(join(copy, "SHA256SUMS"), `${await sha256File(path)}  installer.img\n`);
    const evidence = join(folder, "evidence");
    const outcome = await imgrel("boot", copy, "--firmware", "uefi", "-o", "json", "--evidence", evidence);
    const result = BootResult.parse(JSON.parse(outcome.stdout));
    expect(outcome.exitCode).toBe(1);
    expect(result.reason).toContain("not the one this boot was told to run");
    const console = await readFile(join(evidence, "serial.log"), "utf8");
    expect(console).toMatch(/computed: sha256:[0-9a-f]{64} over \d+ bytes of \/dev\/vda3/);
    expect(console).not.toMatch(/Switching root|Reached target|Kernel panic/);
    await rm(copy, { recursive: true });
  });
});

describe("recovery", () => {
  const RECOVERED = "powernode.boot=0: recovery, no identity is claimed and the agent does not start";

  /** Boots the raw image until the initramfs says that this is recovery, or something that it must not say. */
  async function recover(work: string, firmware: Firmware, more: readonly string[], input: string): Promise<string[]> {
    await chown(work, BOOT_UID, BOOT_UID);
    const file = `${INSIDE.artifact}/installer.img`;
    const medium: Medium = { kind: "disk", file, format: "raw", firmware, bus: "virtio-blk" };
    const identity = "807d037f-38ff-4456-ac29-4a57f409007c";
    const machine = machineFor({ arch: "amd64", memoryMiB: 1536, identity, medium });
    const lines: string[] = [];
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 15 * 60_000);
    // a kernel that QEMU hands over comes first by itself
    const args = more.length === 0 ? machine.args : machine.args.map((arg) => arg.replace(",bootindex=0", ""));
    const command = await tool("boot", work, machine.program, [...args, ...more]);
    await exec({
      ...command,
      input,
      signal: stop.signal,
      onLine: (line) => {
        lines.push(line);
        if (/powernode: (powernode\.boot=0|identity|no identity|BOOT REFUSED)/.test(line)) stop.abort();
      },
    }).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === "AbortError")) throw error;
    });
    clearTimeout(timer);
    return lines;
  }

  it("is a key away under BIOS", async () => {
    const work = await mkdtemp(join(folder, "bios-"));
    const lines = await recover(work, "bios", [], "r".repeat(256));
    expect(lines.slice(-5).join("\n")).toContain(RECOVERED);
  });
  it("is the UKI's second profile under UEFI", async () => {
    const work = await mkdtemp(join(folder, "uefi-"));
    await withDisk(async (_, partition) => {
      const esp = partition("esp");
      const fat = await readFat(esp);
      if (fat === null) throw new Error("no FAT");
      for await (const file of walkFat(esp, fat)) {
        if (file.path !== "/EFI/BOOT/BOOTX64.EFI") continue;
        await pipeline(Readable.from(streamOf(fileAccess(esp, file))), createWriteStream(join(work, "uki.efi")));
      }
    });
    // OVMF starts what QEMU hands it with these load options, as a boot entry with `@1` would
    const lines = await recover(work, "uefi", ["-kernel", `${INSIDE.work}/uki.efi`, "-append", "@1"], "");
    expect(lines.slice(-5).join("\n")).toContain(RECOVERED);
  });
});

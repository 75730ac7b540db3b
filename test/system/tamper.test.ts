import { cp, mkdir, mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult } from "../../builders/contract/boot.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { sha256File } from "../../builders/host/files.ts";
import { initramfsSegments } from "../../builders/readers/initramfs-members.ts";
import { kernelParameter } from "../../controller/domain/boot-artifact.ts";
import { imgrel } from "../imgrel.ts";

// Check W of the platform contract, against a guest: whatever byte of the root image or of the digest on the command
// line changes, the boot must end before switch_root and show both digests.
let folder = "";
let artifact = "";

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "tamper-"));
  const state = join(folder, "state");
  const built = await imgrel(
    "build",
    "--variant",
    "kernel-initrd",
    "--arch",
    "amd64",
    "--state-dir",
    state,
    "--output",
    join(folder, "images"),
  );
  expect(built.exitCode, built.tail).toBe(0);
  artifact = join(folder, "images/kernel-initrd/amd64");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Where the root image's bytes lie inside the initramfs: behind its name in the last, uncompressed archive. */
async function rootImageIn(path: string): Promise<{ start: number; size: number }> {
  const last = (await initramfsSegments(path)).at(-1);
  const member = last?.members.find(({ name }) => name === "powernode/root.erofs");
  if (last === undefined || member === undefined) throw new Error("no root image in the initramfs");
  await using file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(4096), 0, 4096, last.offset);
  const name = Buffer.from("powernode/root.erofs\0");
  const at = buffer.indexOf(name);
  return { start: last.offset + Math.ceil((at + name.length) / 4) * 4, size: member.size };
}

/** A copy of the artifact, changed, with SHA256SUMS made anew: only the guest can notice. */
async function tampered(name: string, change: (copy: string) => Promise<void>): Promise<string> {
  const copy = join(folder, name);
  await cp(artifact, copy, { recursive: true });
  await change(copy);
  const files = ["cmdline", "initramfs.cpio.zst", "kernel"];
  const sums = await Promise.all(files.map(async (file) => `${await sha256File(join(copy, file))}  ${file}\n`));
  await writeFile(join(copy, "SHA256SUMS"), sums.join(""));
  return copy;
}

async function bootRefused(copy: string): Promise<{ result: BootResult; console: string }> {
  const evidence = `${copy}-evidence`;
  const outcome = await imgrel("boot", copy, "-o", "json", "--evidence", evidence);
  expect(outcome.exitCode, outcome.tail).toBe(1);
  const result = BootResult.parse(JSON.parse(outcome.stdout));
  expect(result.passed).toBe(false);
  const console = await readFile(join(evidence, "serial.log"), "utf8");
  expect(console).not.toMatch(/Switching root|Reached target|Kernel panic/);
  expect(console).toContain("Dropping to debug shell.");
  await rm(copy, { recursive: true });
  return { result, console };
}

const flip = (position: (size: number) => number) => async (copy: string) => {
  const path = join(copy, "initramfs.cpio.zst");
  const { start, size } = await rootImageIn(path);
  await using file = await open(path, "r+");
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, start + position(size));
  await file.write(Buffer.of((byte[0] ?? 0) ^ 1), 0, 1, start + position(size));
};

describe("a changed root image", () => {
  it.each([
    ["first", () => 0],
    ["middle", (size: number) => Math.floor(size / 2)],
    ["last", (size: number) => size - 1],
  ] as const)("is refused if one byte of its %s block differs", async (name, position) => {
    const expected = kernelParameter(await readFile(join(artifact, "cmdline"), "utf8"), "powernode.root.fsverity");
    const { result, console } = await bootRefused(await tampered(name, flip(position)));
    expect(result.reason).toContain("not the one this boot was told to run");
    const computed = /computed: (sha256:[0-9a-f]{64})/.exec(console)?.[1];
    expect(computed).toBeDefined();
    expect(computed).not.toBe(expected);
    expect(console).toContain(`expected: ${expected}`);
  });
});

describe("a changed command line", () => {
  it("is refused if only its digest differs", async () => {
    const commandLine = await readFile(join(artifact, "cmdline"), "utf8");
    const real = kernelParameter(commandLine, "powernode.root.fsverity") ?? "";
    const other = real.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"));
    const copy = await tampered("digest", (folder) =>
      writeFile(join(folder, "cmdline"), commandLine.replace(real, other)),
    );
    const { console } = await bootRefused(copy);
    expect(console).toContain(`expected: ${other}`);
    expect(console).toContain(`computed: ${real}`);
  });
  it("is refused if only its size differs", async () => {
    const commandLine = await readFile(join(artifact, "cmdline"), "utf8");
    const { size } = await rootImageIn(join(artifact, "initramfs.cpio.zst"));
    const copy = await tampered("size", (folder) =>
      writeFile(join(folder, "cmdline"), commandLine.replace(`size=${size}`, `size=${size - 4096}`)),
    );
    const { result } = await bootRefused(copy);
    expect(result.reason).toContain("the root image has the wrong size");
    expect(result.reason).toContain(`${size - 4096} bytes (powernode.root.size)`);
  });
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noSyncFilter, wasNotFound, withoutSync } from "./no-sync.ts";

const ALLOW = 0x7fff_0000;
const SUCCEED = 0x0005_0000;
const AUDIT = { x64: 0xc000_003e, arm64: 0xc000_00b7 } as const;

/** Runs a filter as the kernel does (classic BPF: loads, equal-jumps and returns are all it may hold). */
function verdict(program: Buffer, arch: number, call: number): number {
  let loaded = -1;
  for (let at = 0, steps = 0; steps < 100; at += 8, steps += 1) {
    const [code, yes, no, k] = [
      program.readUInt16LE(at),
      program.readUInt8(at + 2),
      program.readUInt8(at + 3),
      program.readUInt32LE(at + 4),
    ];
    if (code === 0x06) return k;
    if (code === 0x20) loaded = k === 0 ? call : k === 4 ? arch : Number.NaN;
    else if (code === 0x15) at += (loaded === k ? yes : no) * 8;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error("it never ends");
}

describe("the filter", () => {
  // numbers of sync, fsync, fdatasync, syncfs, sync_file_range; and of read, write, close, unlinkat as neighbours
  it.each([
    ["x64", [162, 74, 75, 306, 277], [0, 1, 3, 263, 73, 76, 161, 163]],
    ["arm64", [81, 82, 83, 267, 84], [63, 64, 57, 35, 80, 85, 266, 268]],
  ] as const)("on %s lets what waits for a disk succeed, and all else through", (arch, waiting, others) => {
    const program = noSyncFilter(arch);
    for (const call of waiting) expect(verdict(program, AUDIT[arch], call), String(call)).toBe(SUCCEED);
    for (const call of others) expect(verdict(program, AUDIT[arch], call), String(call)).toBe(ALLOW);
  });
  it("leaves programs of another architecture alone: their numbers mean other calls", () => {
    for (const call of [74, 82, 162]) expect(verdict(noSyncFilter("x64"), AUDIT.arm64, call)).toBe(ALLOW);
  });
  it("is refused where the numbers are not known", () => {
    expect(() => noSyncFilter("riscv64")).toThrow("riscv64");
  });
});

describe("a command without sync", () => {
  it("is given to setpriv as it is, with the filter's file", async () => {
    const work = await mkdtemp(join(tmpdir(), "no-sync-"));
    const calls = await Promise.all([withoutSync(work, "a", ["--b", "c d"]), withoutSync(work, "x", [])]);
    const file = join(work, "no-sync.bpf");
    expect(calls).toEqual([
      { program: "setpriv", args: ["--seccomp-filter", file, "--", "a", "--b", "c d"] },
      { program: "setpriv", args: ["--seccomp-filter", file, "--", "x"] },
    ]);
    expect((await readFile(file)).equals(noSyncFilter(process.arch))).toBe(true);
    await rm(work, { recursive: true });
  });
  it("is known not to exist by setpriv's words, not by a code that it may give itself", () => {
    const tail = "setpriv: failed to execute mkfs.x: No such file or directory\n";
    expect(wasNotFound("mkfs.x", { exitCode: 127, tail })).toBe(true);
    expect(wasNotFound("mkfs.x", { exitCode: 1, tail })).toBe(false);
    expect(wasNotFound("mkfs.x", { exitCode: 127, tail: "sh: 1: y: not found\n" })).toBe(false);
    expect(wasNotFound("mkfs.y", { exitCode: 127, tail })).toBe(false);
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fakeCommandContext } from "../../test/fakes/command-context.ts";
import { smallImage } from "../../test/fakes/small-images.ts";
import { Inspection } from "../../builders/contract/inspection.ts";
import { inspectionFaults, inspectionText } from "./inspection-text.ts";
import { runProgram } from "./program.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-inspect-command-"));
  const disk = await smallImage("gpt");
  await writeFile(join(folder, "disk.img"), disk);
  disk[512 + 60] = 0xff; // the disk GUID
  await writeFile(join(folder, "damaged.img"), disk);
  await writeFile(join(folder, "notes.txt"), "text");
  const record = "Package: a\u001bb\nStatus: install ok installed\nArchitecture: all\nVersion: 1:2-3\n\n";
  await writeFile(join(folder, "dpkg-status"), record);
});
afterAll(() => rm(folder, { recursive: true }));

async function inspect(...argv: string[]) {
  const { context, recorded } = fakeCommandContext({ cwd: folder });
  const load = () => import("./inspect.ts");
  await runProgram(["inspect", ...argv], context, [{ name: "inspect", summary: "inspect", load }]);
  return recorded;
}

test("a table for people", async () => {
  const { stdout, exitCode } = await inspect("disk.img");
  expect(exitCode).toBe(0);
  expect(stdout).toContain("disk.img  200.0 KiB (204800 bytes)\n  sha256    ");
  expect(stdout).toMatch(/^ {2}GPT disk aaaaaaaa-bbbb-8ccc-8ddd-eeeeeeeeeeee, boot code: none$/m);
  expect(stdout).toMatch(/^ +NR {2}NAME +OFFSET +SIZE +CONTENT +UUID +TYPE$/m);
  expect(stdout).toMatch(/^ +1 +esp +20480 +128.0 KiB +fat +11111111-2222-8333-8444-555555555555 +c12a7328-/m);
  expect(stdout).toMatch(/^ +FAT12, label "ESP", uuid 1234-ABCD, 128.0 KiB, \d+.\d KiB used$/m);
  expect(stdout).toMatch(/^ +lz4, 8 inodes, built 2026-01-01T00:00:00.000Z$/m);
  expect(stdout).not.toContain("/etc/small");
});

test("--files lists them", async () => {
  const { stdout } = await inspect("disk.img", "--files");
  expect(stdout).toMatch(/^ +0644 file +5 \/etc\/small$/m);
  expect(stdout).toMatch(/^ +- +file +5 \/small.txt$/m);
});

test("a root's package record: how many, and with --files which", async () => {
  expect((await inspect("dpkg-status")).stdout).toMatch(/^ {2}dpkg status, 1 packages installed\n$/m);
  expect((await inspect("dpkg-status", "--files")).stdout).toMatch(/^ {4}a.?b 1:2-3 all$/m);
  expect((await inspect("dpkg-status", "--files")).stdout).not.toContain("\u001b");
});

test("-o json is what the contract says", async () => {
  const { stdout } = await inspect("disk.img", "-o", "json");
  expect(Inspection.parse(JSON.parse(stdout)).artifacts[0]).toMatchObject({ file: "disk.img", sizeBytes: 204_800 });
});

test("damage is shown and ends with exit code 1", async () => {
  const { stdout, exitCode } = await inspect("damaged.img");
  expect(exitCode).toBe(1);
  expect(stdout).toContain("FAULT: primary GPT header: its CRC32 is wrong");
});

describe("what cannot be inspected", () => {
  test("is not there", async () => {
    await expect(inspect("nowhere")).rejects.toMatchObject({ code: "NotFound", exitCode: 4 });
    await expect(inspect("disk.img/below")).rejects.toMatchObject({ code: "NotFound" });
  });
  test("is nothing of ours", async () => {
    await expect(inspect("notes.txt")).rejects.toMatchObject({ failure: { code: "InvalidRequest" } });
  });
});

describe("text from an image", () => {
  const artifact = { file: "x", sizeBytes: 1, sha256: "0".repeat(64), fsverityDigest: `sha256:${"0".repeat(64)}` };
  test("cannot steer a terminal", () => {
    const text = inspectionText({
      schemaVersion: 1,
      artifacts: [
        {
          ...artifact,
          content: {
            ...{ format: "ext4", label: "a\u001b[31mb\n", uuid: "u", sizeBytes: 1, usedBytes: 1, features: [] },
            faults: ["bad\u001b[2J"],
            files: [{ path: "/a\nb", type: "file", mode: "0644", sizeBytes: 1 }],
          },
        },
      ],
    });
    expect(text).not.toContain("\u001b");
    expect(text).toContain("/a b");
  });
  test("faults are found at any depth", () => {
    expect(inspectionFaults({ a: [{ faults: ["one"], b: { faults: ["two"] } }], c: null, d: "faults" })).toEqual([
      "one",
      "two",
    ]);
  });
});

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult, BUSES, type Bus, FIRMWARES, type Firmware } from "../../builders/contract/boot.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { sha256File } from "../../builders/host/files.ts";
import { imgrel, IMGREL_ENV } from "../imgrel.ts";
import { processesIn } from "../processes.ts";
import { startImgrel } from "./running-imgrel.ts";

// A disk on every bus under each firmware. A passed boot says more than that the guest came up: the agent's line names
// the image's own root partition, and /persist has grown by what the guest's disk is larger.
let folder = "";

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  folder = await mkdtemp(join(parent, "buses-"));
  const places = ["--state-dir", join(folder, "state"), "--output", join(folder, "images")];
  const built = await imgrel("build", "--arch", "amd64", ...places);
  expect(built.exitCode, built.tail).toBe(0);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Way = readonly [variant: "raw" | "qcow2", firmware: Firmware, bus: Bus];

/** Every pair of firmware and bus, each image in half of them under either firmware. */
const WAYS = FIRMWARES.flatMap((firmware, row) =>
  BUSES.map((bus, column): Way => [(row + column) % 2 === 0 ? "raw" : "qcow2", firmware, bus]),
);

/** Ends QEMU, among what works in the folder of this test, as an assertion of its own would. */
async function crashEmulator(): Promise<void> {
  for (const pid of await processesIn(folder)) {
    const program = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""); // gone by now
    if (program.startsWith("qemu-system-x86_64")) process.kill(pid, "SIGABRT");
  }
}

describe("a guest", () => {
  it.each(WAYS)("boots %s under %s from %s, and the artifact stays as it was", async (variant, firmware, bus) => {
    const file = join(folder, "images", variant, "amd64", variant === "raw" ? "installer.img" : "cloud.qcow2");
    const before = await sha256File(file);
    const evidence = join(folder, `evidence-${firmware}-${bus}`);
    const ways = ["--firmware", firmware, "--bus", bus];
    const outcome = await imgrel("boot", file, ...ways, "-o", "json", "--evidence", evidence);
    const result = BootResult.parse(JSON.parse(outcome.stdout));
    expect(result.reason, result.consoleTail.join("\n")).toContain("reached multi-user");
    expect(outcome.exitCode, outcome.tail).toBe(0);
    expect(result.agentLine).toMatch(/ backing=partition:[0-9a-f-]{36} .* persist=ext4:rw:1\d\d\d$/);
    expect(await sha256File(file)).toBe(before);
  });

  it("is started again where QEMU itself dies, and the result says so", async () => {
    const file = join(folder, "images/raw/amd64/installer.img");
    const lines: string[] = [];
    let kernels = 0;
    const { outcome } = startImgrel(["boot", file, "-o", "json", "--evidence", join(folder, "evidence")], IMGREL_ENV, {
      onLine: (line) => lines.push(line),
      onEvent: ({ text = "" }) => {
        if (text.startsWith("Linux version") && kernels++ === 0) void crashEmulator();
      },
    });
    const { exitCode, tail } = await outcome;
    const result = BootResult.parse(JSON.parse(lines.join("\n")));
    expect(exitCode, tail).toBe(0);
    expect(kernels).toBe(2); // both starts came to one
    expect(result.reason).toMatch(/reached multi-user .*; in a start before, QEMU died of signal 6 before the agent/);
  });
});

import { mkdtemp, rm, cp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BootResult } from "../../../builders/contract/boot.ts";
import { type Digest, digestOf, sha256Hex, stableJson } from "../../../builders/contract/digest.ts";
import { logLines } from "../../../builders/contract/log-file.ts";
import { readRequest } from "../../../builders/contract/pod.ts";
import { artifactDigest } from "../../../builders/host/artifact-digest.ts";
import type { PodEnd } from "../../../test/fakes/cluster-jobs.ts";
import { demoBuildJob, fakeClusterRelease, type Programs, said } from "../../../test/fakes/cluster-release.ts";
import { writeDemoRun } from "../../../test/fakes/staged-run.ts";
import type { BootJob } from "../../ports/job-runner.ts";
import { clusterJobRunner } from "./job-runner.ts";

const { signal } = new AbortController();
let folder = "";
let made: Awaited<ReturnType<typeof writeDemoRun>>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "boot-in-pod-"));
  made = await writeDemoRun(join(folder, "volume"));
});
afterEach(() => rm(folder, { recursive: true }));

/** A release in a cluster, and processes that start one after the other. */
function given(programs: Programs = {}) {
  const release = fakeClusterRelease(folder, made, programs);
  return { ...release, start: (work?: string) => clusterJobRunner(release.options(work)) };
}

describe("a boot in a cluster", () => {
  const result: BootResult = {
    ...{ schemaVersion: 1, passed: true, reason: "reached multi-user", agentLine: "agent", durationSeconds: 30 },
    ...{ emulator: "QEMU 10", commandLine: ["qemu"], consoleTail: [] },
  };
  const serial = "console line\n".repeat(5000);
  const bootJobOf = (): BootJob => ({
    ...{ arch: "amd64", variant: "raw", rootDigest: digestOf("root"), backing: `partition:${"0".repeat(36)}` },
    ...{ artifact: join(folder, "volume/out/amd64/raw"), evidence: join(folder, "evidence"), memoryMiB: 1536 },
    disk: { firmware: "uefi", bus: "virtio-blk", extraMiB: 64, persistMiB: 128 },
    ...{ timeoutSeconds: 900, toolchain: demoBuildJob().toolchain },
  });
  const program =
    (over: Partial<BootResult> = {}, artifact?: Digest, cut = 0) =>
    async (): Promise<PodEnd> => {
      const text = stableJson({ ...result, ...over });
      const log = [
        '{"event":"started","step":"boot"}',
        ...logLines("serial.log", Buffer.from(serial)).slice(cut),
        ...logLines("boot.json", Buffer.from(text)),
      ].join("\n");
      const message = {
        ...{ schemaVersion: 1, result: digestOf(text), serialLog: sha256Hex(serial) },
        artifact: artifact ?? (await artifactDigest(bootJobOf().artifact)),
      };
      return said(message, log);
    };
  it("is a Job of its own, whose log is the evidence", async () => {
    const { start, created, jobs } = given({ boot: program() });
    expect(await start().boot(bootJobOf(), signal)).toEqual({ result, serialLog: sha256Hex(serial) });
    expect(created).toEqual([expect.stringMatching(/-amd64-v-raw-uefi-1$/)]);
    expect(await readFile(join(folder, "evidence/serial.log"), "utf8")).toBe(serial);
    const [entry] = jobs.values();
    const env = Object.fromEntries(
      entry?.manifest.spec.template.spec.containers[0].env.map(({ name, value }) => [name, value]) ?? [],
    );
    expect(readRequest(env)).toMatchObject({
      backing: `partition:${"0".repeat(36)}`,
      memoryMiB: 1536,
      timeoutSeconds: 900,
    });
    // adopted by whoever asks for the same boot
    await start().boot(bootJobOf(), signal);
    expect(created).toHaveLength(1);
  });
  it("that did not prove itself is a result", async () => {
    const { start } = given({ boot: program({ passed: false, reason: "no agent" }) });
    expect((await start().boot(bootJobOf(), signal)).result).toMatchObject({ passed: false, reason: "no agent" });
  });
  it("of other bytes than the release's is refused", async () => {
    const { start } = given({ boot: program({}, digestOf("other")) });
    await expect(start().boot(bootJobOf(), signal)).rejects.toMatchObject({ code: "VerificationFailed" });
  });
  it("whose log was cut is done again at the next try", async () => {
    let cut = 1;
    const { start, created } = given({ boot: () => program({}, undefined, cut)() });
    await expect(start().boot(bootJobOf(), signal)).rejects.toMatchObject({ code: "Evicted" });
    cut = 0;
    expect((await start().boot(bootJobOf(), signal)).result.passed).toBe(true);
    expect(created).toHaveLength(2);
  });
  it("of another artifact does not take over a Job of the same name", async () => {
    const { start } = given({ boot: program() });
    await start().boot(bootJobOf(), signal);
    await cp(bootJobOf().artifact, join(folder, "changed"), { recursive: true });
    await writeFile(join(folder, "changed/SHA256SUMS"), "other\n");
    const changed = { ...bootJobOf(), artifact: join(folder, "changed") };
    await expect(start().boot(changed, signal)).rejects.toMatchObject({ code: "NameCollision" });
  });
});

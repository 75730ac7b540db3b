import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult } from "../../builders/contract/boot.ts";
import { BuildManifest, describedFiles } from "../../builders/contract/build-manifest.ts";
import { Inspection } from "../../builders/contract/inspection.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { hashFile } from "../../builders/host/hash-file.ts";
import { COMPOSEFS_OPTIONS } from "../../builders/steps/composefs.ts";
import { ComparisonReport } from "../../controller/domain/comparison-report.ts";
import { imgrel, PROJECT } from "../imgrel.ts";
import { runTools, toolchainRoot } from "../toolbox.ts";

// What `npm start` does, with the demo release cut down to the one target that is built and booted soonest: pins,
// toolchain, two runs, comparison, boot. The whole demo release is the system shard "release".
let state = "";
let outcome: Outcome;
let work = "";
let output = "";

beforeAll(async () => {
  const parent = join(cacheRoot(process.env), "tests");
  await mkdir(parent, { recursive: true });
  state = await mkdtemp(join(parent, "smoke-"));
  const spec = join(state, "specs/demo");
  await cp(join(PROJECT, "specs/demo"), spec, { recursive: true });
  const text = await readFile(join(spec, "release.yaml"), "utf8");
  const targets = "  targets:\n    - variant: kernel-initrd\n      arch: amd64\n  builds: 2\n";
  await writeFile(join(spec, "release.yaml"), text.replace(/^ {2}targets:\n[^]*/m, targets));
  const documents = ["--class", "deploy/local/class.yaml", "--source", "deploy/local/source.yaml"];
  outcome = await imgrel("run", "--spec", spec, ...documents, "--state-dir", state);
  work = join(state, "work/demo/amd64");
  output = join(work, "run-1/out/amd64");
});
afterAll(() => rm(state, { recursive: true, force: true }));

describe("npm start", () => {
  it("ends well and says where everything is", () => {
    expect(outcome.exitCode, outcome.tail).toBe(0);
    const variant = ["kernel-initrd/kernel", "kernel-initrd/initramfs.cpio.zst"];
    for (const file of [...variant, "root.cfs", "dpkg-status", "build-manifest.json"]) {
      expect(outcome.stdout).toContain(join(output, file));
    }
    expect(outcome.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    expect(outcome.stdout).toContain("reached multi-user with its root an overlay over the verified image");
    expect(outcome.stdout.trimEnd().split("\n").at(-1)).toMatch(
      /^released demo: 1 artifacts, reproduced, booted, signed; record [0-9a-f]{40}$/,
    );
  });
  it("repeats the agent's line: the identity that was drawn and the digest that the guest computed", async () => {
    const manifest = BuildManifest.parse(JSON.parse(await readFile(join(output, "build-manifest.json"), "utf8")));
    const evidence = join(state, "work/demo/amd64/boot/kernel-initrd");
    const boot = BootResult.parse(JSON.parse(await readFile(join(evidence, "boot.json"), "utf8")));
    const request = JSON.parse(await readFile(join(evidence, "request.json"), "utf8"));
    expect(boot.passed).toBe(true);
    expect(outcome.stdout).toContain(boot.agentLine);
    expect(boot.agentLine).toContain(`identity=${request.identity} `);
    expect(boot.agentLine).toContain(`fsverity=${manifest.root_image.fsverity_digest}`);
  });
  it("describes every file as it is", async () => {
    const manifest = BuildManifest.parse(JSON.parse(await readFile(join(output, "build-manifest.json"), "utf8")));
    const files = await readdir(join(output, "kernel-initrd"));
    expect(Object.keys(manifest.artifacts)).toEqual(files.toSorted().map((file) => `amd64/kernel-initrd/${file}`));
    const described = describedFiles(manifest);
    expect(described.map(({ path }) => path).slice(-2)).toEqual(["amd64/root.cfs", "amd64/dpkg-status"]);
    for (const { path, said } of described) {
      const { sha256, sizeBytes, fsverity } = await hashFile(join(output, "..", path));
      expect(said, path).toEqual({ sha256, size_bytes: sizeBytes, fsverity_digest: fsverity.digest });
    }
    const report = ComparisonReport.parse(JSON.parse(await readFile(join(work, "comparison.json"), "utf8")));
    const compared = new Map(report.artifacts.map(({ path, sha256 }) => [path, sha256]));
    for (const { path, said } of described) expect(compared.get(path), path).toBe(said.sha256);
  });
  it("tells of the root: its composefs digest, as composefs's tools compute it, and dpkg's record", async () => {
    const manifest = BuildManifest.parse(JSON.parse(await readFile(join(output, "build-manifest.json"), "utf8")));
    const digests = await runTools(
      await toolchainRoot(),
      join(work, "run-1"),
      `mkcomposefs ${COMPOSEFS_OPTIONS.join(" ")} --print-digest-only root
       composefs-info measure-file out/amd64/root.cfs`,
    );
    const { fsverity_digest } = manifest.composefs;
    expect(digests).toBe(`${fsverity_digest}\n${fsverity_digest}\n`.replaceAll("sha256:", ""));
    const status = await readFile(join(output, "dpkg-status"));
    expect(status).toEqual(await readFile(join(work, "run-1/root/var/lib/dpkg/status")));
    const inspected = await imgrel("inspect", output, "-o", "json");
    expect(inspected.exitCode, inspected.tail).toBe(0);
    expect(Inspection.parse(JSON.parse(inspected.stdout)).artifacts).toMatchObject([
      { file: "build-manifest.json" },
      { file: "dpkg-status", content: { format: "dpkg-status", installed: expect.any(Number) } },
      { file: "root.cfs", fsverityDigest: fsverity_digest, content: { format: "erofs", composefs: true } },
    ]);
  });
  it("keeps the bytes of the first run only, since the second one's are the same", async () => {
    expect(await readdir(join(state, "work/demo/amd64/run-1"))).toContain("out");
    expect(await readdir(join(state, "work/demo/amd64/run-2"))).toEqual(["logs"]);
  });
  it("shows in each run's log that it installed, packed and made its root by itself, with the same commands", async () => {
    const commands = async (run: number) => {
      const logs = join(state, `work/demo/amd64/run-${run}/logs`);
      const texts = await Promise.all((await readdir(logs)).map((name) => readFile(join(logs, name), "utf8")));
      return texts.flatMap((text) => text.match(/^\$ .*$/gm) ?? []).toSorted();
    };
    const [first, second] = [await commands(1), await commands(2)];
    for (const ran of [first, second]) {
      for (const program of ["mmdebstrap", "/w/root/usr/bin/dracut", "mkfs.erofs"]) {
        expect(ran.filter((command) => command.startsWith(`$ ${program} `))).toHaveLength(1);
      }
    }
    expect(second).toEqual(first);
  });
  it("does nothing a second time, and asks no archive for it", async () => {
    const again = await imgrel("run", "--spec", join(state, "specs/demo"), "--state-dir", state);
    expect(again.exitCode, again.tail).toBe(0);
    const [record] = /[0-9a-f]{40}$/.exec(outcome.stdout.trimEnd()) ?? [];
    expect(again.stdout).toBe(`nothing to do: demo is released; record ${record}\n`);
  });
  it("leaves SHA256SUMS that sha256sum accepts", async () => {
    const sums = await exec({ program: "sha256sum", args: ["-c", "SHA256SUMS"], cwd: join(output, "kernel-initrd") });
    expect(sums, sums.tail).toMatchObject({ exitCode: 0 });
  });
});

import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult } from "../../builders/contract/boot.ts";
import { BuildManifest } from "../../builders/contract/build-manifest.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, type Outcome } from "../../builders/host/exec.ts";
import { hashFile } from "../../builders/host/hash-file.ts";
import { imgrel, PROJECT } from "../imgrel.ts";

// What `npm start` does, with the demo release cut down to the one target that is built and booted soonest: pins,
// toolchain, two runs, comparison, boot. The whole demo release is the system shard "release".
let state = "";
let outcome: Outcome;
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
  output = join(state, "work/demo/amd64/run-1/out/amd64");
});
afterAll(() => rm(state, { recursive: true, force: true }));

describe("npm start", () => {
  it("ends well and says where everything is", () => {
    expect(outcome.exitCode, outcome.tail).toBe(0);
    for (const file of ["kernel-initrd/kernel", "kernel-initrd/initramfs.cpio.zst", "build-manifest.json"]) {
      expect(outcome.stdout).toContain(join(output, file));
    }
    expect(outcome.stdout).toContain("reproduced amd64: 2 runs are the same to the byte");
    expect(outcome.stdout).toContain("reached multi-user with its root an overlay over the verified image");
    expect(outcome.stdout.trimEnd().split("\n").at(-1)).toMatch(/^verified +demo /);
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
    for (const [path, described] of Object.entries(manifest.artifacts)) {
      const hash = await hashFile(join(output, "..", path));
      expect(described, path).toEqual({
        sha256: hash.sha256,
        size_bytes: hash.sizeBytes,
        fsverity_digest: hash.fsverity.digest,
      });
    }
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
  it("leaves SHA256SUMS that sha256sum accepts", async () => {
    const sums = await exec({ program: "sha256sum", args: ["-c", "SHA256SUMS"], cwd: join(output, "kernel-initrd") });
    expect(sums, sums.tail).toMatchObject({ exitCode: 0 });
  });
});

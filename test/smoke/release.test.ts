import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BootResult } from "../../builders/contract/boot.ts";
import { BuildManifest, describedFiles } from "../../builders/contract/build-manifest.ts";
import { Inspection } from "../../builders/contract/inspection.ts";
import { cacheRoot } from "../../builders/host/cache.ts";
import { exec, type Outcome, PLAIN_ENV } from "../../builders/host/exec.ts";
import { hashFile } from "../../builders/host/hash-file.ts";
import { COMPOSEFS_OPTIONS } from "../../builders/steps/composefs.ts";
import { openKeySigner } from "../../controller/adapters/signing/key-signer.ts";
import { parseStatus } from "../../controller/domain/record-status.ts";
import { localPolicy } from "../../controller/domain/policy-file.ts";
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

/** git on the repository that it left. */
async function git(...args: string[]): Promise<string> {
  const done = await exec({ program: "git", args: ["--git-dir", join(state, "repository.git"), ...args] });
  expect(done.exitCode, done.tail).toBe(0);
  return done.stdout;
}

/** Its plan, with a state folder of its own. */
const plan = (...options: string[]) =>
  imgrel("run", "--plan", "--spec", join(state, "specs/demo"), "--state-dir", join(state, "other"), ...options);

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
  it("commits its policy once, as it stands outside the repository", async () => {
    expect(await git("show", "main:policy/verify.yaml")).toBe(await readFile(join(state, "policy.yaml"), "utf8"));
    expect(await git("rev-list", "--count", "main", "--", "policy")).toBe("1\n");
  });
  it("commits none into a repository of others", async () => {
    const others = join(state, "others.git");
    await git("clone", "--quiet", "--bare", "--single-branch", join(state, "repository.git"), others);
    const [imported = ""] = (await git("rev-list", "--reverse", "main")).split("\n");
    await exec({ program: "git", args: ["--git-dir", others, "update-ref", "refs/heads/main", imported] });
    const planned = await plan("--repository", others);
    expect(planned.exitCode, planned.tail).toBe(0);
    const refs = await exec({ program: "git", args: ["--git-dir", others, "for-each-ref", "--format=%(objectname)"] });
    expect(refs.stdout).toBe(`${imported}\n`);
  });
  it("commits it still if it was killed before: it is there, and not in the repository", async () => {
    const policy = await readFile(join(state, "other/policy.yaml"), "utf8");
    const planned = await plan();
    expect(planned.exitCode, planned.tail).toBe(0);
    expect(planned.tail).toContain("committed policy/verify.yaml into the repository");
    const show = ["--git-dir", join(state, "other/repository.git"), "show", "main:policy/verify.yaml"];
    expect((await exec({ program: "git", args: show })).stdout).toBe(policy);
  });
  it("does nothing a second time, commits nothing, and asks no archive for it", async () => {
    const before = await git("for-each-ref");
    const again = await imgrel("run", "--spec", join(state, "specs/demo"), "--state-dir", state);
    expect(await git("for-each-ref")).toBe(before);
    expect(again.exitCode, again.tail).toBe(0);
    const [record] = /[0-9a-f]{40}$/.exec(outcome.stdout.trimEnd()) ?? [];
    expect(again.stdout).toBe(`nothing to do: demo is released; record ${record}\n`);
  });
  it("records how it ended: ready, each step with its reason", async () => {
    const status = parseStatus(await git("show", "release-records:records/demo/status.yaml"));
    const reasons = Object.fromEntries(status.conditions.map(({ type, reason }) => [type, reason]));
    expect(reasons).toMatchObject({
      Ready: "Succeeded",
      Reproducible: "AllEqual",
      Verified: "Passed",
      Recorded: "Pushed",
    });
    expect(reasons).not.toHaveProperty("Reconciling");
  });
  it("leaves SHA256SUMS that sha256sum accepts", async () => {
    const sums = await exec({ program: "sha256sum", args: ["-c", "SHA256SUMS"], cwd: join(output, "kernel-initrd") });
    expect(sums, sums.tail).toMatchObject({ exitCode: 0 });
  });
});

describe("imgrel verify", () => {
  const policy = () => join(state, "policy.yaml");
  const seen = () => ["--state", join(state, "seen")];
  const verify = (repo: string, ...options: string[]) =>
    imgrel("verify", "demo", "--repo", repo, ...seen(), ...options);
  const whole = () => ["--policy", policy(), "--registry", join(state, "registry")];
  const failed = (report: string) => [...report.matchAll(/^FAIL {2}([a-z]+)/gm)].map(([, name]) => name);

  /** A copy of the repository whose records hold one file more, less (null) or other than the release's. */
  async function changed(name: string, path: string, change: (text: string) => string | null): Promise<string> {
    const copy = join(state, name);
    await cp(join(state, "repository.git"), copy, { recursive: true });
    const write = async (input: string, ...args: string[]) => {
      const identity = { GIT_AUTHOR_NAME: "m", GIT_AUTHOR_EMAIL: "m@localhost" };
      const committer = { GIT_COMMITTER_NAME: "m", GIT_COMMITTER_EMAIL: "m@localhost" };
      const env = { ...PLAIN_ENV, ...identity, ...committer, GIT_DIR: copy, GIT_INDEX_FILE: join(copy, "index") };
      const done = await exec({ program: "git", args, env, input });
      expect(done.exitCode, done.tail).toBe(0);
      return done.stdout;
    };
    await write("", "read-tree", "release-records");
    const before = await exec({ program: "git", args: ["--git-dir", copy, "show", `release-records:${path}`] });
    const after = change(before.stdout);
    if (after === null) await write(`0 ${"0".repeat(40)}\t${path}\n`, "update-index", "--index-info");
    else {
      const id = (await write(after, "hash-object", "-w", "--stdin")).trim();
      await write("", "update-index", "--add", "--cacheinfo", `100644,${id},${path}`);
    }
    const tree = (await write("", "write-tree")).trim();
    const commit = (await write("changed", "commit-tree", "-p", "release-records", tree)).trim();
    await write("", "update-ref", "refs/heads/release-records", commit);
    return copy;
  }

  it("proves the release, without any network", async () => {
    const args = [
      "controller/main.ts",
      "verify",
      "demo",
      "--repo",
      join(state, "repository.git"),
      ...whole(),
      ...seen(),
      "--offline",
    ];
    const alone = await exec({ program: "unshare", args: ["--net", process.execPath, ...args], cwd: PROJECT });
    expect(alone.exitCode, alone.tail).toBe(0);
    expect(failed(alone.stdout)).toEqual([]);
    expect(alone.stdout).not.toMatch(/^SKIP/m);
    expect(alone.stdout.trimEnd().split("\n").at(-1)).toBe("verified: demo");
  });
  it("proves it as npm start says that it is done", async () => {
    const [, line = ""] = /^verify {5}npm run imgrel -- (verify demo .*)$/m.exec(outcome.stdout) ?? [];
    const proven = await imgrel(...line.split(" "), ...seen());
    expect(proven.exitCode, proven.stdout + proven.tail).toBe(0);
    expect(proven.stdout.trimEnd().split("\n").at(-1)).toBe("verified: demo");
  });
  it("only asserts what the repository's own policy says", async () => {
    const self = await verify(join(state, "repository.git"), "--registry", join(state, "registry"));
    expect(self.exitCode, self.stdout + self.tail).toBe(5);
    expect(self.stdout.trimEnd().split("\n").at(-1)).toMatch(/^SELF-ASSERTED: /);
    expect(failed(self.stdout)).toEqual([]);
  });
  it("is incomplete without the artifacts, and fails by a policy that is not the pinned one", async () => {
    const incomplete = await verify(join(state, "repository.git"), "--policy", policy());
    expect(incomplete).toMatchObject({ exitCode: 5 });
    expect(incomplete.stdout).toMatch(/^SKIP {2}artifacts/m);
    const pinned = await verify(join(state, "repository.git"), ...whole(), "--policy-sha256", "0".repeat(64));
    expect(pinned).toMatchObject({ exitCode: 1 });
  });
  it("fails for a signer that the policy does not name", async () => {
    const other = await openKeySigner({ folder: join(state, "other-keys") });
    const text = localPolicy({ ...other.identity, minBuilds: 2, bootRequired: true });
    await writeFile(join(state, "other.yaml"), text);
    const outcome = await verify(join(state, "repository.git"), "--policy", join(state, "other.yaml"));
    expect(outcome).toMatchObject({ exitCode: 1 });
    expect(failed(outcome.stdout)).toContain("signature");
    expect(outcome.stdout).toContain("which the policy does not name");
  });
  it("fails for more runs than there were, and for an index older than one that was seen", async () => {
    const text = (await readFile(policy(), "utf8")).replace("minBuilds: 2", "minBuilds: 3");
    await writeFile(join(state, "strict.yaml"), text);
    const strict = await verify(join(state, "repository.git"), "--policy", join(state, "strict.yaml"));
    expect(failed(strict.stdout)).toEqual(["quorum"]);
    const newer = await verify(join(state, "repository.git"), ...whole(), "--min-index-version", "2");
    expect(failed(newer.stdout)).toEqual(["index"]);
  });

  const flipSignature = (text: string) =>
    text.replace(/"sig":"(..)/, (_, start: string) => `"sig":"${start === "ME" ? "MF" : "ME"}`);
  const bundle = "records/demo/provenance/amd64/kernel-initrd.run-2.sigstore.json";
  it.each([
    ["a sum is another", "records/demo/SHA256SUMS", (text: string) => text.replace(/^./, "x"), "record"],
    ["a file is gone", "records/demo/tests/amd64/kernel-initrd.sigstore.json", () => null, "record"],
    ["a file came", "records/demo/extra.txt", () => "more", "record"],
    [
      "the manifest says another size",
      "records/demo/manifest.json",
      (text: string) => text.replace(/"sizeBytes": 1/, '"sizeBytes": 2'),
      "record",
    ],
    ["a bundle was replaced", bundle, flipSignature, "record"],
    ["the release's signature differs", "records/demo/release.sigstore.json", flipSignature, "signature"],
    [
      "the index is another",
      "records/index.json",
      (text: string) => text.replace('"version": 1', '"version": 9'),
      "index",
    ],
    ["the index's signature differs", "records/index.sigstore.json", flipSignature, "index"],
    ["it was revoked", "records/demo/revocation.sigstore.json", () => "{}", "record"],
  ] as const)("fails if %s", async (what, path, change, check) => {
    const copy = await changed(`changed-${what.replaceAll(/[^a-z]/g, "-")}.git`, path, change);
    const outcome = await verify(copy, "--policy", policy());
    expect(outcome, outcome.tail).toMatchObject({ exitCode: 1 });
    expect(failed(outcome.stdout)).toContain(check);
  });
  it("fails if a byte of an artifact differs", async () => {
    const manifest = BuildManifest.parse(JSON.parse(await readFile(join(output, "build-manifest.json"), "utf8")));
    const { sha256 = "" } = manifest.artifacts["amd64/kernel-initrd/cmdline"] ?? {};
    const blob = join(state, "registry/blobs/sha256", sha256);
    const text = await readFile(blob, "utf8");
    await rm(blob);
    await writeFile(blob, text.replace("powernode.boot=1", "powernode.boot=0"));
    const outcome = await verify(join(state, "repository.git"), ...whole());
    expect(outcome).toMatchObject({ exitCode: 1 });
    expect(failed(outcome.stdout)).toEqual(["artifacts"]);
    await writeFile(blob, text);
  });
});

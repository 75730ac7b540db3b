import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../builders/contract/digest.ts";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { openLayout } from "../../controller/adapters/oci/layout.ts";
import { PROJECT } from "../imgrel.ts";
import { loseObject } from "../repositories.ts";
import { OUTPUT } from "../verifiable-release.ts";
import { makeVerifiable } from "../verifiable-repository.ts";

let folder = "";
const at = (name: string) => join(folder, name);

async function git(directory: string, ...args: string[]): Promise<string> {
  const identity = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
  const done = await exec({ program: "git", args: ["--git-dir", directory, ...identity, ...args], env: PLAIN_ENV });
  expect(done.exitCode, done.tail).toBe(0);
  return done.stdout.trim();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-verify-"));
  for (const name of ["alice", "mallory"]) {
    const made = await exec({ program: "ssh-keygen", args: ["-q", "-t", "ed25519", "-N", "", "-f", at(name)] });
    expect(made.exitCode, made.tail).toBe(0);
  }
  await makeVerifiable(folder, openLayout({ directory: at("registry"), name: "local/images" }), at("alice"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The program, in a network namespace that has not even a loopback interface up. */
function imgrel(...args: string[]) {
  return exec({
    program: "unshare",
    args: ["--net", process.execPath, "controller/main.ts", ...args],
    cwd: PROJECT,
    env: { ...PLAIN_ENV, HOME: at("home") },
  });
}
const verify = (...options: string[]) => imgrel("verify", "demo", "--repo", at("repository.git"), ...options);
const whole = () => ["--policy", at("policy.yaml"), "--registry", at("registry"), "--offline"];
const failed = (report: string) => [...report.matchAll(/^FAIL {2}([a-z]+)/gm)].map(([, name]) => name);

describe("imgrel verify", () => {
  it("proves a release in a repository that went on, and remembers its index", async () => {
    const outcome = await verify(...whole());
    expect(outcome.exitCode, outcome.stdout + outcome.tail).toBe(0);
    expect(outcome.stdout.trimEnd().split("\n").at(-1)).toBe("verified: demo");
    const again = await verify(...whole(), "-o", "json");
    expect(JSON.parse(again.stdout)).toMatchObject({ verdict: "verified", release: "demo" });
    expect(again.stdout).toContain("version 1 was seen before");
  });
  it("is incomplete without bytes, and takes those that its user has", async () => {
    const incomplete = await verify("--policy", at("policy.yaml"));
    expect(incomplete.exitCode, incomplete.tail).toBe(5);
    const image = at("mine.img");
    await writeFile(image, OUTPUT.get("amd64/raw/installer.img") ?? "");
    const own = await verify("--policy", at("policy.yaml"), "--artifact", image);
    expect(own.exitCode, own.stdout).toBe(0);
    expect(own.stdout).toContain(`${image} is amd64/raw/installer.img`);
    await writeFile(image, "changed");
    const changed = await verify("--policy", at("policy.yaml"), "--artifact", image);
    expect(failed(changed.stdout)).toEqual(["artifacts"]);
    expect(changed.exitCode).toBe(1);
  });
  it("only asserts what the repository's own policy says, unless that is pinned", async () => {
    const state = at("own-state");
    const self = await verify("--registry", at("registry"), "--state", state);
    expect(self.exitCode, self.stdout).toBe(5);
    expect(self.stdout).toContain("SELF-ASSERTED");
    expect(await readFile(join(state, "indices"), "utf8").catch(({ code }: { code: string }) => code)).toBe("ENOENT");
    const sha256 = sha256Hex(await readFile(at("policy.yaml"), "utf8"));
    expect(await verify("--registry", at("registry"), "--policy-sha256", sha256)).toMatchObject({ exitCode: 0 });
    expect(await verify(...whole(), "--policy-sha256", "0".repeat(64))).toMatchObject({ exitCode: 1 });
  });
  it("tells wrong usage from a missing thing and from a failure", async () => {
    expect(await verify(...whole(), "--policy-sha256", "ABC")).toMatchObject({ exitCode: 2 });
    expect(await verify(...whole(), "--min-index-version", "-1")).toMatchObject({ exitCode: 2 });
    expect(await imgrel("verify", "demo", "--repo", at("none"), ...whole())).toMatchObject({ exitCode: 4 });
    expect(await verify("--policy", at("none"))).toMatchObject({ exitCode: 4 });
    expect(await verify(...whole(), "--min-index-version", "2")).toMatchObject({ exitCode: 1 });
  });
  it("fails for a byte of an artifact, and for bytes that are gone", async () => {
    const copy = at("changed");
    await cp(at("registry"), copy, { recursive: true });
    const text = OUTPUT.get("amd64/kernel-initrd/kernel") ?? "";
    const blob = join(copy, "blobs/sha256", sha256Hex(text));
    await rm(blob);
    const gone = await verify("--policy", at("policy.yaml"), "--registry", copy);
    expect(failed(gone.stdout), gone.tail).toEqual(["artifacts"]);
    await writeFile(blob, text.replace("kernel", "kernem"));
    const changed = await verify("--policy", at("policy.yaml"), "--registry", copy);
    expect(failed(changed.stdout)).toEqual(["artifacts"]);
    expect(changed.exitCode).toBe(1);
  });
  it("fails where the branch of specs does not descend from the spec's commit, whatever a graft says", async () => {
    const copy = at("rewritten.git");
    await cp(at("repository.git"), copy, { recursive: true });
    const first = await git(copy, "rev-list", "--max-parents=0", "main");
    const tree = await git(copy, "rev-parse", "main^{tree}");
    const alone = await git(copy, "commit-tree", "-m", "rewritten", tree);
    await git(copy, "update-ref", "refs/heads/main", alone);
    await mkdir(join(copy, "info"), { recursive: true });
    await writeFile(join(copy, "info/grafts"), `${alone} ${first}\n`);
    const outcome = await imgrel("verify", "demo", "--repo", copy, ...whole());
    expect(failed(outcome.stdout), outcome.tail).toContain("spec");
    expect(outcome.stdout).toContain(`is not in main's history`);
  });
  it("asks who signed the spec's commit where the policy does, and not the repository's own program", async () => {
    const asking = async (who: string) => {
      const path = at(`policy-${who}.yaml`);
      const key = (await readFile(at(`${who}.pub`), "utf8")).trim();
      const text = await readFile(at("policy.yaml"), "utf8");
      await writeFile(path, `${text}specSigners: |\n  ${who}@example.org namespaces="git" ${key}\n`);
      return verify("--policy", path, "--registry", at("registry"), "--offline");
    };
    const copy = at("own-program.git");
    await cp(at("repository.git"), copy, { recursive: true });
    const yes = await asking("alice");
    expect(yes.exitCode, yes.stdout + yes.tail).toBe(0);
    expect(yes.stdout).toMatch(/^PASS {2}approval +commit [0-9a-f]{40}, .* is signed by alice@example\.org$/m);
    const no = await asking("mallory");
    expect(failed(no.stdout)).toEqual(["approval"]);
    expect(no.exitCode).toBe(1);
    expect(no.stdout).toContain("not of an allowed signer");
    const [mark, program] = [at("asked"), at("agreeable")];
    await writeFile(program, `#!/bin/sh\ntouch ${mark}\necho 'Good "git" signature for mallory@example.org'\n`, {
      mode: 0o755,
    });
    await git(copy, "config", "gpg.ssh.program", program);
    const policy = ["--policy", at("policy-mallory.yaml"), "--registry", at("registry")];
    const own = await imgrel("verify", "demo", "--repo", copy, ...policy);
    expect(failed(own.stdout), own.tail).toEqual(["approval"]);
    expect(await readFile(mark, "utf8").catch(() => null)).toBeNull();
    await git(copy, "-c", `gpg.ssh.allowedSignersFile=${at("alice.pub")}`, "log", "-1", "--format=%G?", "main");
    expect(await readFile(mark, "utf8").catch(() => null), "git alone runs it").not.toBeNull();
  });
  it("does not let the repository run anything", async () => {
    const copy = at("lazy.git");
    await cp(at("repository.git"), copy, { recursive: true });
    const mark = at("ran");
    for (const [key, value] of [
      ["core.repositoryFormatVersion", "1"],
      ["extensions.partialClone", "origin"],
      ["remote.origin.url", "ssh://localhost/x"],
      ["remote.origin.promisor", "true"],
      ["core.sshCommand", `sh -c 'touch ${mark}'`], // what git adds, such as the host, is no file to touch
    ] as const) {
      await git(copy, "config", key, value);
    }
    const id = await git(copy, "rev-parse", "release-records:records/demo/manifest.json");
    await loseObject(copy, id);
    await exec({ program: "git", args: ["--git-dir", copy, "cat-file", "-e", id], env: PLAIN_ENV });
    const bait = await readFile(mark, "utf8").catch(() => null);
    expect(bait, "git alone runs it").not.toBeNull();
    await rm(mark);
    expect((await imgrel("verify", "demo", "--repo", copy, ...whole())).exitCode).not.toBe(0);
    expect(await readFile(mark, "utf8").catch(() => null)).toBeNull();
  });
});

describe("imgrel status", () => {
  const repo = () => ["--repo", at("repository.git")];
  it("shows what the records say", async () => {
    const all = await imgrel("status", ...repo());
    expect(all.exitCode, all.tail).toBe(0);
    const [header = "", row = ""] = all.stdout.trimEnd().split("\n");
    expect(header.split(/ +/)).toEqual(["NAME", "VERSION", "READY", "PUBLISHED", "TARGETS", "COMMIT"]);
    expect(row).toMatch(/^demo +2026\.11\.23-1 +True +True +amd64\/kernel-initrd,amd64\/raw +[0-9a-f]{12}$/);
    expect(JSON.parse((await imgrel("status", "demo", ...repo(), "-o", "json")).stdout)).toMatchObject({
      releases: [{ name: "demo", ready: true, reason: null }],
    });
    expect(await imgrel("status", "other", ...repo())).toMatchObject({ exitCode: 4 });
  });
});

import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exec, PLAIN_ENV } from "../../builders/host/exec.ts";
import { ensureSshKey } from "../../controller/adapters/signing/ssh-key.ts";

// The key of commits against the real ssh-keygen and the real git.
let home = "";
let keys = "";
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "commit-signature-"));
  keys = join(home, "keys");
});
afterEach(() => rm(home, { recursive: true }));

async function run(program: string, ...args: readonly string[]) {
  const env = {
    ...PLAIN_ENV,
    ...{ HOME: home, GIT_DIR: join(home, "repository.git"), GIT_CONFIG_NOSYSTEM: "1" },
    ...{ GIT_AUTHOR_NAME: "imgrel", GIT_AUTHOR_EMAIL: "imgrel@example.test" },
    ...{ GIT_COMMITTER_NAME: "imgrel", GIT_COMMITTER_EMAIL: "imgrel@example.test" },
  };
  return exec({ program, args, env });
}

/** A commit of the empty tree, signed with this key: its ID. */
async function signedCommit(privateKeyPath: string): Promise<string> {
  await run("git", "init", "-q", "--bare", join(home, "repository.git"));
  const tree = await run("git", "hash-object", "-t", "tree", "-w", "/dev/null");
  const config = ["-c", "gpg.format=ssh", "-c", `user.signingKey=${privateKeyPath}`];
  const commit = await run("git", ...config, "commit-tree", "-S", "-m", "Record", tree.stdout.trim());
  expect(commit.exitCode, commit.tail).toBe(0);
  return commit.stdout.trim();
}
async function verify(commit: string, ...allowedSigners: readonly string[]) {
  const file = join(home, "allowed_signers");
  await writeFile(file, allowedSigners.map((line) => `${line}\n`).join(""));
  return run("git", "-c", `gpg.ssh.allowedSignersFile=${file}`, "verify-commit", commit);
}

describe("ensureSshKey", () => {
  it("makes an ed25519 key once, private to its owner", async () => {
    const [one, two] = await Promise.all([ensureSshKey(keys), ensureSshKey(keys)]);
    const again = await ensureSshKey(keys);
    expect(new Set([one.publicKey, two.publicKey, again.publicKey]).size).toBe(1);
    expect(one.publicKey).toMatch(/^ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI\S{43}$/);
    expect((await readdir(keys)).toSorted()).toEqual(["commit.key", "commit.key.pub"]);
    expect((await stat(one.privateKeyPath)).mode & 0o777).toBe(0o600);
    expect(await readFile(one.privateKeyPath, "utf8")).toMatch(/^-----BEGIN OPENSSH PRIVATE KEY-----\n/);
    expect(await readFile(`${one.privateKeyPath}.pub`, "utf8")).toBe(`${one.publicKey} imgrel\n`);
  });

  it("signs commits that git verifies under the allowed name, and under no other key", async () => {
    const key = await ensureSshKey(keys);
    const other = await ensureSshKey(join(home, "other-keys"));
    const commit = await signedCommit(key.privateKeyPath);
    const good = await verify(commit, other.allowedSigner("b@example.test"), key.allowedSigner("controller-prod"));
    expect(good.exitCode, good.tail).toBe(0);
    expect(good.tail).toContain('Good "git" signature for controller-prod with ED25519 key');
    const bad = await verify(commit, other.allowedSigner("controller-prod"));
    expect(bad.exitCode, bad.tail).toBe(1);
    const elsewhere = await verify(commit, key.allowedSigner("controller-prod").replace('"git"', '"file"'));
    expect(elsewhere.exitCode, elsewhere.tail).toBe(1);
  });

  it.each(["", "*", "a b", "a,b", "!a", 'a"b', "#a", "a\nb", "a?"])("refuses the name %j", async (principal) => {
    const { allowedSigner } = await ensureSshKey(keys);
    expect(() => allowedSigner(principal)).toThrow(expect.objectContaining({ code: "Usage" }));
  });

  const assertRefused = (message: RegExp) =>
    expect(ensureSshKey(keys)).rejects.toMatchObject({
      code: "KeyUnusable",
      message: expect.stringMatching(message),
    });

  it("writes the public half anew after a crash between the two, and keeps the key", async () => {
    const { publicKey, privateKeyPath } = await ensureSshKey(keys);
    await rm(`${privateKeyPath}.pub`);
    expect((await ensureSshKey(keys)).publicKey).toBe(publicKey);
    expect(await readFile(`${privateKeyPath}.pub`, "utf8")).toContain(publicKey);
  });
  it("refuses a key that others can read, that is lost, or whose public half is another's", async () => {
    const { privateKeyPath } = await ensureSshKey(keys);
    const { publicKey } = await ensureSshKey(join(home, "other-keys"));
    await chmod(privateKeyPath, 0o640);
    await assertRefused(/commit\.key is open to others: its mode is 0640/);
    await chmod(privateKeyPath, 0o600);
    await writeFile(`${privateKeyPath}.pub`, publicKey);
    await assertRefused(/commit\.key\.pub is not the public half of/);
    await rm(privateKeyPath);
    await assertRefused(/commit\.key\.pub is there, but not the private half/);
  });
  it.each([
    ["ecdsa", ""],
    ["ed25519", "secret"],
  ])("refuses a key of kind %s with passphrase %j", async (kind, passphrase) => {
    await mkdir(keys);
    await run("ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", join(keys, "commit.key"));
    await assertRefused(/commit\.key is no ed25519 key in OpenSSH's format without a passphrase/);
  });
  it("says that ssh-keygen is missing, and leaves no key", async () => {
    await expect(ensureSshKey(keys, { PATH: join(home, "empty") })).rejects.toMatchObject({
      code: "ToolMissing",
      message: "ssh-keygen is not installed on this machine",
      remedy: "install it: apt-get install openssh-client",
    });
    expect(await readdir(keys)).toEqual([]);
  });
  it("refuses what is no key", async () => {
    const { privateKeyPath } = await ensureSshKey(keys);
    await writeFile(privateKeyPath, "nonsense\n");
    await assertRefused(/commit\.key is no ed25519 key in OpenSSH's format without a passphrase: /);
  });
});

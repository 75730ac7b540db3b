import { chmod, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { exec } from "../../builders/host/exec.ts";
import { readSignature } from "../../controller/adapters/git/commit-signature.ts";
import { gitOn } from "../../controller/adapters/git/git.ts";
import { writeCommit } from "../../controller/adapters/git/write-commit.ts";
import { entryOf } from "../contracts/record-repository-contract.ts";
import { makeRemote, openOwn, openRemote, REPOSITORY_OPTIONS } from "../repositories.ts";

let folder = "";
let count = 0;
let directory = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "imgrel-test-"));
  for (const [name, passphrase] of Object.entries({ ours: "", other: "", locked: "a passphrase" })) {
    const args = ["-q", "-t", "ed25519", "-N", passphrase, "-C", name, "-f", join(folder, name)];
    expect((await exec({ program: "ssh-keygen", args })).exitCode).toBe(0);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(() => {
  count += 1;
  directory = join(folder, `${count}.git`);
});

const publicKey = async (name: string) => (await readFile(join(folder, `${name}.pub`), "utf8")).trim();
const allowing = async (name: string, options = 'namespaces="git"') =>
  `# records\ncontroller@example.org ${options} ${await publicKey(name)}\n`;
const { author } = REPOSITORY_OPTIONS.committer;
const signing = (name: string) => ({ committer: { author, signingKey: join(folder, name) } });
const entry = () => entryOf("demo", "release", { "status.yaml": "1" });
const git = () => gitOn(directory);
const pathWith = async (...programs: string[]) => {
  const path = await mkdtemp(join(folder, "path-"));
  for (const program of programs) await symlink(join("/usr/bin", program), join(path, program));
  return path;
};

/** A record commit in our own repository. */
async function commitWith(options: Parameters<typeof openOwn>[1]): Promise<string> {
  const { records } = await openOwn(directory, options);
  return (await records.commit(entry())).commit ?? "";
}

describe("a signed record commit", () => {
  it("names its signer, as the allowed signers do", async () => {
    const commit = await commitWith(signing("ours"));
    const { signatureOf } = await openOwn(directory);
    expect(await signatureOf(commit, await allowing("ours"))).toEqual({
      good: true,
      principal: "controller@example.org",
      fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/) as string,
    });
    const shown = await git().run(["log", "-1", "--format=%an <%ae> %cn <%ce>", commit]);
    expect(shown).toBe("imgrel <imgrel@localhost> imgrel <imgrel@localhost>\n");
  });

  it("is signed in a repository of others, and checked there", async () => {
    const remote = await makeRemote(directory);
    const { records } = await openRemote(remote, join(folder, `mirrors-${count}`), {}, signing("ours"));
    const { commit } = await records.commit(entry());
    const { signatureOf, records: read } = await openRemote(remote, join(folder, `reader-${count}`));
    expect((await read.tip()).commit).toBe(commit);
    expect(await signatureOf(commit ?? "", await allowing("ours"))).toMatchObject({ good: true });
  });

  it.each([
    ["of another key", "other", undefined],
    ["of a key for another use", "ours", 'namespaces="file"'],
    ["of a key that is no longer valid", "ours", 'valid-before="20200101"'],
    ["of a key that is not valid yet", "ours", 'valid-after="29990101"'],
  ])("is not good if the allowed signers are %s", async (_, name, options) => {
    const commit = await commitWith(signing("ours"));
    expect(await readSignature(git(), commit, await allowing(name, options))).toMatchObject({ good: false });
    expect(await readSignature(git(), commit, "")).toEqual({
      good: false,
      why: expect.stringContaining("not of an allowed signer") as string,
    });
  });

  it("is not good any more once a byte of it changed", async () => {
    const commit = await commitWith(signing("ours"));
    const text = await git().run(["cat-file", "commit", commit]);
    const forged = text.replace("demo: release", "demo: forged");
    expect(forged).not.toBe(text);
    const id = (await git().run(["hash-object", "-t", "commit", "-w", "--stdin"], { input: forged })).trim();
    const why = "its signature does not fit it";
    expect(await readSignature(git(), id, await allowing("ours"))).toEqual({ good: false, why });
  });

  it("is told from one without signature, with another kind of signature, and from none", async () => {
    const commit = await commitWith({});
    expect(await readSignature(git(), commit, await allowing("ours"))).toEqual({
      good: false,
      why: "it is not signed",
    });
    const text = await git().run(["cat-file", "commit", commit]);
    const pgp = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n iQ==\n -----END PGP SIGNATURE-----\n";
    const input = text.replace("\n\n", `\n${pgp}\n`);
    const id = (await git().run(["hash-object", "-t", "commit", "-w", "--stdin"], { input })).trim();
    expect(await readSignature(git(), id, await allowing("ours"))).toMatchObject({ good: false });
    for (const none of ["0".repeat(40), "release-records", "--help", `${commit}^{tree}`]) {
      await expect(readSignature(git(), none, "")).rejects.toMatchObject({ code: "NotFound" });
    }
  });
});

describe("a commit that cannot be signed is not made", () => {
  const attempt = (name: string) => commitWith(signing(name));

  it.each([
    ["there is no such key", "none", /none: .*No such file/],
    ["the key has a passphrase, and nobody is asked", "locked", /locked: .*passphrase/],
  ])("if %s", async (_, name, message) => {
    await expect(attempt(name)).rejects.toMatchObject({
      code: "InputMissing",
      message: expect.stringMatching(message) as string,
    });
    expect((await (await openOwn(directory)).records.tip()).commit).toBeNull();
  });

  it("if others may read the key", async () => {
    await writeFile(join(folder, "open"), await readFile(join(folder, "ours")));
    await writeFile(join(folder, "open.pub"), await publicKey("ours"));
    await chmod(join(folder, "open"), 0o644);
    await expect(attempt("open")).rejects.toMatchObject({
      code: "InputMissing",
      message: expect.stringContaining("too open") as string,
    });
  });

  it("without ssh-keygen, and no signature is judged then", async () => {
    const commit = await commitWith(signing("ours"));
    const PATH = await pathWith("git");
    const git = gitOn(directory);
    const bare = {
      ...git,
      run: (args: readonly string[], options = {}) =>
        git.run(args, { ...options, env: { ...Object(options).env, PATH } }),
    } as typeof git;
    const missing = { code: "ToolMissing", remedy: "install it: apt-get install openssh-client" };
    await expect(readSignature(bare, commit, await allowing("ours"))).rejects.toMatchObject(missing);
    const tree = (await git.run(["rev-parse", `${commit}^{tree}`])).trim();
    const again = writeCommit(bare, { parent: commit, tree, message: "m" }, signing("ours").committer);
    await expect(again).rejects.toMatchObject(missing);
  });
});

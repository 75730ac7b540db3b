import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { PLAIN_ENV } from "../../../builders/host/exec.ts";
import { ReleaseError } from "../../domain/errors.ts";
import { runHostTool } from "../archive/host-tool.ts";
import { openHalves } from "./key-halves.ts";

/** A key that git signs commits with (git-config(1), gpg.format=ssh). */
export type SshKey = {
  /** for user.signingKey: OpenSSH's own format, mode 0600, without a passphrase */
  readonly privateKeyPath: string;
  /** as in authorized_keys: type and key in base64 (sshd(8)) */
  readonly publicKey: string;
  /**
   * The line that lets a verifier know the key under this name, for commits alone (ssh-keygen(1), "ALLOWED SIGNERS").
   * @throws ReleaseError Usage if the name would be read as a pattern or as several words
   */
  readonly allowedSigner: (principal: string) => string;
};

type SshKeygen = (args: readonly string[]) => ReturnType<typeof runHostTool>;

async function createKey(sshKeygen: SshKeygen, folder: string): Promise<string> {
  const work = await mkdtemp(join(folder, ".new-"));
  try {
    const path = join(work, "key");
    const outcome = await sshKeygen(["-q", "-t", "ed25519", "-N", "", "-C", "imgrel", "-f", path]);
    if (outcome.exitCode === 0) return await readFile(path, "utf8");
    throw new ReleaseError(
      "KeyUnusable",
      `ssh-keygen could make no key: ${outcome.output}`,
      "do what it says; it needs a user of this machine and a folder that can be written",
    );
  } finally {
    await rm(work, { recursive: true });
  }
}

/** Type and key of a public half, without its comment. */
const keyOf = (line: string): string => line.trim().split(/\s+/).slice(0, 2).join(" ");

async function publicHalf(sshKeygen: SshKeygen, path: string): Promise<string> {
  const outcome = await sshKeygen(["-y", "-P", "", "-f", path]);
  const key = keyOf(outcome.stdout);
  if (outcome.exitCode === 0 && key.startsWith("ssh-ed25519 ")) return key;
  throw new ReleaseError(
    "KeyUnusable",
    `${path} is no ed25519 key in OpenSSH's format without a passphrase${outcome.exitCode === 0 ? "" : `: ${outcome.output}`}`,
    `make one with ssh-keygen -t ed25519 -N "" -f ${path}; without the file imgrel makes one`,
  );
}

/**
 * The key of a folder that commits are signed with, commit.key and commit.key.pub, made on first use (see
 * {@link openHalves}); `env` is ssh-keygen's environment. It says who wrote a record; what a record says is proved by its bundles alone.
 * @throws ReleaseError KeyUnusable if a half is lost, open to others, damaged, another key's or of another kind;
 *   ToolMissing without ssh-keygen
 */
export async function ensureSshKey(folder: string, env = PLAIN_ENV): Promise<SshKey> {
  const sshKeygen: SshKeygen = (args) =>
    runHostTool({ program: "ssh-keygen", args, env }, "install it: apt-get install openssh-client");
  const privateKeyPath = join(folder, "commit.key");
  const publicKey = await openHalves({
    privatePath: privateKeyPath,
    publicPath: `${privateKeyPath}.pub`,
    create: () => createKey(sshKeygen, folder),
    open: () => publicHalf(sshKeygen, privateKeyPath),
    publicText: (key) => `${key} imgrel\n`,
    belongs: (line, key) => keyOf(line) === key,
  });
  return {
    privateKeyPath,
    publicKey,
    allowedSigner: (principal) => {
      if (!/^[A-Za-z0-9][A-Za-z0-9@._+:/-]*$/.test(principal)) {
        throw new ReleaseError(
          "Usage",
          `${JSON.stringify(principal)} is no name of a signer`,
          "use letters, digits and @ . _ + : / -, without white space",
        );
      }
      return `${principal} namespaces="git" ${publicKey}`;
    },
  };
}

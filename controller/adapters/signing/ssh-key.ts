import { chmod, mkdir, mkdtemp, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { exec, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { writeFileAtomic } from "../../../builders/host/files.ts";
import { ReleaseError } from "../../domain/errors.ts";

/** An SSH key that signs commits: attribution only, trust comes from the bundles (trust.md 2.1). */
export type SshKey = {
  /** private half, mode 0600, without passphrase */
  readonly path: string;
  /** `ssh-ed25519 <base64>`, as in authorized_keys */
  readonly publicKey: string;
};

const FILE = "commit.key";

async function sshKeygen(args: readonly string[]): Promise<string> {
  try {
    const outcome = await exec({ program: "ssh-keygen", args, env: PLAIN_ENV });
    if (outcome.exitCode === 0) return outcome.stdout;
    const message = `ssh-keygen failed: ${outcome.tail.trim().split("\n").at(-1) ?? ""}`;
    throw new ReleaseError("KeyUnusable", message, "bring the key back from a backup, or remove it: a new one is made");
  } catch (cause) {
    if (!(cause instanceof Error) || !("code" in cause) || cause.code !== "ENOENT") throw cause;
    const remedy = "install it: apt-get install openssh-client";
    throw new ReleaseError("ToolMissing", "ssh-keygen is not installed", remedy, { cause });
  }
}

/**
 * The ed25519 key of a folder, made on first use: beside its place and moved there, so that a crash leaves a whole key or
 * none. The public half is read out of the private one.
 * @throws ReleaseError ToolMissing without ssh-keygen; KeyUnusable if the key is damaged, or others may read it
 */
export async function ensureSshKey(folder: string): Promise<SshKey> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, FILE);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) {
    const work = await mkdtemp(join(folder, ".ssh-"));
    try {
      const fresh = join(work, FILE);
      await sshKeygen(["-q", "-t", "ed25519", "-N", "", "-C", "imgrel", "-f", fresh]);
      await chmod(fresh, 0o600);
      await rename(fresh, path);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  } else if ((found.mode & 0o077) !== 0) {
    throw new ReleaseError("KeyUnusable", `others may read ${path}`, `run: chmod 600 ${path}`);
  }
  const [type = "", key = ""] = (await sshKeygen(["-y", "-P", "", "-f", path])).trim().split(" ");
  const publicKey = `${type} ${key}`;
  const publicPath = `${path}.pub`;
  const published = await readFile(publicPath, "utf8").catch(() => "");
  if (published !== `${publicKey}\n`) await writeFileAtomic(publicPath, `${publicKey}\n`);
  return { path, publicKey };
}

/** The line of an allowed_signers file that lets this key sign commits (ssh-keygen(1), "ALLOWED SIGNERS"). */
export const allowedSigner = (principal: string, { publicKey }: SshKey): string =>
  `${principal} namespaces="git" ${publicKey}\n`;

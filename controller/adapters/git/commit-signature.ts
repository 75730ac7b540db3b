import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ReleaseError } from "../../domain/errors.ts";
import type { CommitSignature } from "../../ports/commit-verifier.ts";
import { parseBatchCheck } from "./cat-file.ts";
import { type Git, saidBy } from "./git.ts";

/** Settings that make git sign with the private SSH key in a file (git-config(1), gpg.format). */
export const signingConfig = (keyPath: string): readonly string[] => ["gpg.format=ssh", `user.signingKey=${keyPath}`];

/** git signs and checks by ssh-keygen (ssh-keygen(1), -Y); without it nothing is known of a signature. */
const noSshKeygen = (said: string): ReleaseError | null =>
  said.includes("cannot run ssh-keygen")
    ? new ReleaseError("ToolMissing", "ssh-keygen is not installed", "install it: apt-get install openssh-client")
    : null;

/** The error to throw where git could not write a commit signed with `keyPath`. */
export function signingFault(keyPath: string, error: unknown): unknown {
  const said = saidBy(error);
  if (said === undefined) return error;
  // ssh-keygen frames its warnings; git passes its line breaks on as "?"
  const reason = said
    .split("\n")
    .map((line) => line.replace(/^error: /, "").replace(/\?$/, ""))
    .find((line) => /[A-Za-z]/.test(line) && !line.startsWith("@"));
  return (
    noSshKeygen(said) ??
    new ReleaseError(
      "InputMissing",
      `cannot sign a commit with ${keyPath}: ${reason ?? "ssh-keygen does not say why"}`,
      "give a private SSH key without passphrase that only this user may read (chmod 600)",
      { cause: error },
    )
  );
}

const FORMAT = "--format=%G?%n%GS%n%GF";

/** What git says of a signature that it does not find good (git-log(1), %G?). */
const WHY: Readonly<Record<string, string>> = {
  N: "it is not signed",
  U: "its key is not of an allowed signer, or was not at its date",
  B: "its signature does not fit it",
  E: "its signature is not of SSH, or damaged",
};

/** As CommitVerifier.signatureOf, in one repository. */
export async function readSignature(git: Git, commit: string, allowedSigners: string): Promise<CommitSignature> {
  const [found] = parseBatchCheck((await git.catFile(["--batch-check"], `${commit}\n`)).toString("utf8"));
  if (found?.type !== "commit" || found.id !== commit) {
    throw new ReleaseError("NotFound", `the repository has no commit ${commit}`, "give the whole ID of a commit in it");
  }
  const folder = await mkdtemp(join(tmpdir(), "imgrel-signers-"));
  try {
    const path = join(folder, "allowed_signers");
    await writeFile(path, allowedSigners);
    // only SSH: other programs that check signatures have trust stores of their own; the repository names none of them
    const config = [
      `gpg.ssh.allowedSignersFile=${path}`,
      ...["gpg.ssh.program=ssh-keygen", "gpg.program=/bin/false", "gpg.x509.program=/bin/false"],
    ];
    const shown = await git.run(["log", "-1", FORMAT, commit], { config });
    const [state = "", principal = "", fingerprint = ""] = shown.split("\n");
    if (state === "G" && principal !== "") return { good: true, principal, fingerprint };
    const said = await git.run(["verify-commit", commit], { config }).then(() => "", saidBy);
    const missing = noSshKeygen(said ?? "");
    if (missing !== null) throw missing;
    return { good: false, why: WHY[state] ?? `git says ${state} of its signature` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

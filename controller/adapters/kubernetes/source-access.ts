import type { ClusterSource } from "../../domain/cluster-objects.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { RemoteCredentials } from "../git/remote-access.ts";
import type { PrivateTexts } from "../local/private-texts.ts";
import type { ObjectData } from "./object-data.ts";

/** What a source's repository is reached and written with, as files. */
export type SourceAccess = {
  readonly credentials?: RemoteCredentials;
  /** certificates in PEM */
  readonly caFile?: string;
  /** private SSH key that signs record commits */
  readonly signingKey?: string;
  /** text of an allowed_signers file; null: every commit is taken */
  readonly allowedSigners: string | null;
};

/** git-credential(1) reads one line each. */
function credentialLines(secret: string, username: string, password: string): string {
  if (/[\r\n\0]/.test(username + password)) {
    throw new ReleaseError(
      "KeyUnusable",
      `username or password of the Secret ${secret} holds a line break`,
      "write both without one, also at the end",
    );
  }
  return `username=${username}\npassword=${password}\n`;
}

/**
 * Reads what a source's spec refers to (specs/README.md), anew each time, into private files.
 * @throws ReleaseError InputMissing for a Secret or ConfigMap that is not there or lacks an entry; KeyUnusable
 */
export async function sourceAccess(
  { uid, spec }: ClusterSource,
  data: ObjectData,
  texts: PrivateTexts,
  signal: AbortSignal,
): Promise<SourceAccess> {
  const { credentialsRef, caRef, verify, writeBack } = spec;
  const keep = (what: string, text: string) => texts.keep(`${uid} ${what}`, text);

  const credentials = async (): Promise<RemoteCredentials | undefined> => {
    if (credentialsRef === undefined) return undefined;
    const { name } = credentialsRef;
    const secret = await data.secret(name, signal);
    const [key, hosts] = [secret.get("ssh-privatekey"), secret.get("known_hosts")];
    if (key !== undefined && hosts !== undefined) {
      return { kind: "ssh-key", privateKey: await keep("ssh", key), knownHosts: await keep("hosts", hosts) };
    }
    const [username, password] = [secret.get("username"), secret.get("password")];
    if (username !== undefined && password !== undefined) {
      return { kind: "password", file: await keep("password", credentialLines(name, username, password)) };
    }
    throw new ReleaseError(
      "InputMissing",
      `the Secret ${name} has neither username and password nor ssh-privatekey and known_hosts`,
      "give it the two that the repository's server asks for",
    );
  };

  const given = await credentials();
  const { signingKeyRef } = writeBack;
  return {
    ...(given === undefined ? {} : { credentials: given }),
    ...(caRef === undefined ? {} : { caFile: await keep("ca", await data.text("ConfigMap", caRef, "ca.crt", signal)) }),
    ...(signingKeyRef === undefined
      ? {}
      : { signingKey: await keep("sign", await data.text("Secret", signingKeyRef, "ssh-privatekey", signal)) }),
    allowedSigners:
      verify === undefined ? null : await data.text("ConfigMap", verify.allowedSignersRef, "allowed_signers", signal),
  };
}

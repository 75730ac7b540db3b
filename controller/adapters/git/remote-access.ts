import { ReleaseError } from "../../domain/errors.ts";
import type { RepositoryLocation } from "../../domain/repository-location.ts";
import type { GitOptions } from "./git.ts";

/** Files with what a server asks for; their content reaches git from the file, never by argv, variables or a log. */
export type RemoteCredentials =
  /** lines `username=…` and `password=…` (git-credential(1), "INPUT/OUTPUT FORMAT") */
  | { readonly kind: "password"; readonly file: string }
  /** a private key without passphrase that only this user may read, and the server's host keys (sshd(8)) */
  | { readonly kind: "ssh-key"; readonly privateKey: string; readonly knownHosts: string };

/** What a git command on a remote repository is run with. */
export type RemoteAccess = Required<Pick<GitOptions, "env" | "config">>;

/** A transfer that is slower than one byte a second for this long is given up (git-config(1), http.lowSpeedTime). */
const STALLED_SECONDS = 60;

// Shells read both texts, so no path stands in them: they name variables.
const HELPER = `!f() { test "$1" = get && cat "$IMGREL_GIT_CREDENTIAL"; }; f`;
const SSH = [
  "ssh -F /dev/null -o BatchMode=yes -o IdentitiesOnly=yes -o IdentityAgent=none -o ConnectTimeout=30",
  "-o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null",
  `-o "UserKnownHostsFile=\\"$IMGREL_SSH_KNOWN_HOSTS\\"" -i "$IMGREL_SSH_KEY"`,
].join(" ");

/** ssh expands these itself in names of files (ssh_config(5), "TOKENS"). */
const sshPath = (path: string): string => {
  if (/^\/[^"%$\\\p{Cc}]+$/u.test(path)) return path;
  throw new ReleaseError(
    "Usage",
    `${JSON.stringify(path)} cannot be given to ssh`,
    'name an absolute path without ", %, $ and \\',
  );
};

function sshAccess(credentials: RemoteCredentials | undefined): Readonly<Record<string, string>> {
  if (credentials?.kind !== "ssh-key") {
    throw new ReleaseError("Usage", "ssh needs a private key and the server's host keys", "give both, as files");
  }
  return {
    GIT_SSH_COMMAND: SSH,
    GIT_SSH_VARIANT: "ssh",
    IMGREL_SSH_KEY: sshPath(credentials.privateKey),
    IMGREL_SSH_KNOWN_HOSTS: sshPath(credentials.knownHosts),
  };
}

/**
 * How git reaches a repository: by this one protocol, with these credentials for this one server, without following
 * redirects, and giving up where nothing moves.
 * @param trustingConfig a file that makes git serve a folder of another owner, as under sudo: whoever names a folder
 * trusts it. git heeds that only from a file (git-config(1), safe.directory)
 * @param caFile certificates in PEM that an https server's must come from; without it, those of this machine
 * @throws ReleaseError Usage if the credentials are not of the kind that the server asks for
 */
export function accessTo(
  { scheme, address }: RepositoryLocation,
  given: {
    readonly credentials?: RemoteCredentials;
    readonly caFile?: string;
    readonly trustingConfig: string;
  },
): RemoteAccess {
  const { credentials, caFile, trustingConfig } = given;
  const env: Record<string, string> = { GIT_ALLOW_PROTOCOL: scheme };
  if (scheme === "file") return { env: { ...env, GIT_CONFIG_GLOBAL: trustingConfig }, config: [] };
  if (scheme === "ssh") return { env: { ...env, ...sshAccess(credentials) }, config: [] };
  const config = ["http.followRedirects=false", "http.lowSpeedLimit=1", `http.lowSpeedTime=${STALLED_SECONDS}`];
  if (caFile !== undefined) config.push(`http.sslCAInfo=${caFile}`);
  if (credentials === undefined) return { env, config };
  if (credentials.kind !== "password") {
    throw new ReleaseError(
      "Usage",
      `${scheme} needs a user name and a password`,
      "give them in a file, not an ssh key",
    );
  }
  return {
    env: { ...env, IMGREL_GIT_CREDENTIAL: credentials.file },
    config: [...config, `credential.${new URL(address).origin}.helper=${HELPER}`],
  };
}

import { GIT_URL } from "./addresses.ts";
import { ReleaseError } from "./errors.ts";
import { judgeText } from "./text-rule.ts";

/** Where a repository is. `address` is a URL, or with scheme `file` a path, which may be relative. */
export type RepositoryLocation = {
  readonly scheme: "https" | "http" | "ssh" | "file";
  readonly address: string;
};

const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/;

/**
 * A repository as people write it: https, ssh, a folder, `file://` and an absolute path, or http on this machine and
 * where `allowHttp` says so. Nothing else reaches git, which knows remote helpers that run programs.
 * @throws ReleaseError Usage, without repeating a password
 */
export function parseLocation(text: string, { allowHttp }: { readonly allowHttp: boolean }): RepositoryLocation {
  const address = text.startsWith("file:///") ? text.slice("file://".length) : text;
  const fault = judgeText(GIT_URL, address);
  if (fault !== undefined) throw new ReleaseError("Usage", `the repository: ${fault.message}`, fault.remedy);
  const scheme = /^(https|http|ssh):\/\//i.exec(address)?.[1]?.toLowerCase();
  if (scheme === "https" || scheme === "ssh") return { scheme, address };
  if (scheme !== "http") return { scheme: "file", address };
  if (!allowHttp && !LOOPBACK.test(new URL(address).hostname)) {
    throw new ReleaseError(
      "Usage",
      `${address} is http, which anyone on the way can change`,
      "write https, or allow http in the source (network.allowHTTP)",
    );
  }
  return { scheme, address };
}

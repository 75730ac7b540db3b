import { PORT } from "./addresses.ts";
import { ReleaseError } from "./errors.ts";
import { judgeText, type TextRule } from "./text-rule.ts";

/** Where a server of ours listens. */
export const LISTEN_ADDRESS: TextRule = {
  what: "an address to listen at",
  pattern: new RegExp(`^(\\[[0-9A-Fa-f:.]+\\]|[A-Za-z0-9._-]*):${PORT}$`),
  maxLength: 300,
  form: "write <host>:<port>, [<IPv6>]:<port>, or :<port> for all addresses of this machine",
};

/**
 * `<host>:<port>`, `[<IPv6>]:<port>` or `:<port>` for every address; port 0: any free one.
 * @throws ReleaseError Usage
 */
export function parseListenAddress(address: string): { readonly host?: string; readonly port: number } {
  const fault = judgeText(LISTEN_ADDRESS, address);
  if (fault !== undefined) throw new ReleaseError("Usage", fault.message, fault.remedy);
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(colon + 1));
  return host === "" ? { port } : { host, port };
}

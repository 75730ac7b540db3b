import { readFile } from "node:fs/promises";
import { PLAIN_ENV } from "../../../builders/host/exec.ts";
import type { ArchiveSource } from "../../domain/class.ts";
import { INDEX_TARGET_FORMAT, parseIndexTargets, proxySettings } from "./apt-output.ts";
import { runHostTool } from "./host-tool.ts";

/** One place where an archive may be: its base URL with a final slash, and where that came from. */
export type Candidate = {
  readonly kind: ArchiveSource["kind"];
  readonly base: URL;
  /** lines for apt.conf: proxies of the host's apt, for the sources that are the host's */
  readonly settings: readonly string[];
};

/** Why a source of the class gave no candidate. */
export type Unusable = { readonly kind: ArchiveSource["kind"]; readonly reason: string };

/** What this machine's apt is set up with. */
export type HostApt = {
  readonly repositories: readonly { readonly uri: string; readonly origin: string | undefined }[];
  readonly settings: readonly string[];
};

/**
 * Repositories and proxies of this machine's apt. Repositories whose index it never read are there too, without origin.
 * `env` is apt's environment.
 * @throws ReleaseError ToolMissing if the machine has no apt
 */
export async function readHostApt(signal: AbortSignal, env = PLAIN_ENV): Promise<HostApt> {
  const targets = async (extra: readonly string[]) => {
    const args = ["indextargets", ...extra, "--format", INDEX_TARGET_FORMAT, "Created-By: Packages"];
    return parseIndexTargets((await runHostTool({ program: "apt-get", args, env, signal })).stdout);
  };
  const known = new Map((await targets([])).map(({ uri, origin }) => [uri, origin]));
  const all = await targets(["--no-release-info"]);
  const dump = await runHostTool({ program: "apt-config", args: ["dump"], env, signal });
  return {
    repositories: all.map(({ uri }) => ({ uri, origin: known.get(uri) })),
    settings: proxySettings(dump.stdout),
  };
}

/** A URL with a final slash, or undefined if it is not plain http or https. */
export function httpBase(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** URLs of a mirror list (apt-transport-mirror(1)): the first word of each line that is no comment. */
export const mirrorListUrls = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim().split(/\s+/)[0] ?? "")
    .filter((word) => word !== "" && !word.startsWith("#"));

/** `mirror+file:/path` of a repository is a list of mirrors; anything else is itself. */
async function expand(uri: string): Promise<string[]> {
  const path = /^mirror\+file:(?:\/\/)?(\/.*?)\/?$/.exec(uri)?.[1];
  if (path === undefined) return [uri];
  return mirrorListUrls(await readFile(path, "utf8").catch(() => ""));
}

async function systemCandidates(archive: string, host: HostApt): Promise<(Candidate | Unusable)[]> {
  const kind = "system";
  // apt's Origin is the archive's own name for itself, such as Debian or Ubuntu; before apt's first update it has none
  const named = host.repositories.filter(({ origin }) => origin?.toLowerCase() === archive);
  const fitting = named.length > 0 ? named : host.repositories.filter(({ origin }) => origin === undefined);
  const urls = (await Promise.all(fitting.map(({ uri }) => expand(uri)))).flat();
  const bases = new Map(urls.flatMap((url) => httpBase(url) ?? []).map((base) => [base.href, base]));
  if (bases.size === 0) {
    return [{ kind, reason: `this machine's apt is set up with no http source whose Origin is ${archive}` }];
  }
  return [...bases.values()].map((base) => ({ kind, base, settings: host.settings }));
}

const plain = (kind: ArchiveSource["kind"], text: string): Candidate | Unusable => {
  const base = httpBase(text);
  return base === undefined ? { kind, reason: `${text} is no http or https URL` } : { kind, base, settings: [] };
};

/**
 * Places to try for an archive, in the order of its sources. `timestamps` are the states of the archive that a
 * snapshot service is asked for; `host` is called only if a source is `system`.
 * @throws what `host` throws
 */
export async function candidates(
  archive: string,
  sources: readonly ArchiveSource[],
  timestamps: readonly string[],
  host: () => Promise<HostApt>,
): Promise<(Candidate | Unusable)[]> {
  const found: (Candidate | Unusable)[] = [];
  for (const source of sources) {
    if (source.kind === "system") found.push(...(await systemCandidates(archive, await host())));
    else if (source.kind === "mirror") found.push(plain("mirror", source.url));
    else if (timestamps.length === 0) found.push({ kind: "snapshot", reason: "the request names no snapshot" });
    else {
      found.push(...timestamps.map((time) => plain("snapshot", source.urlTemplate.replaceAll("{timestamp}", time))));
    }
  }
  return found;
}

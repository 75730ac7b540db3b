/** A package that apt would download, as `apt-get --print-uris` prints it. */
export type PlannedPackage = {
  readonly url: string;
  readonly name: string;
  readonly version: string;
  readonly arch: string;
  /** bytes */
  readonly size: number;
  readonly sha256: string;
};

const PLANNED = /^'([^']+)' ([^_ ]+)_([^_ ]+)_([^_ ]+)\.deb ([0-9]+) SHA256:([0-9a-f]{64})$/;

/**
 * Reads what `apt-get --print-uris install` prints (apt-get(8)): the quoted URL, the file name that apt would store it
 * under (name, version and architecture with `_` and `:` escaped as %5f and %3a), size and hash.
 * @throws SyntaxError on a line that begins like one but has another form, for instance without a SHA-256
 */
export function parsePrintUris(text: string): PlannedPackage[] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("'"))
    .map((line) => {
      const [, url = "", name = "", version = "", arch = "", size = "", sha256 = ""] = PLANNED.exec(line) ?? [];
      if (url === "") throw new SyntaxError(`apt plans a download without name, size and SHA-256: ${line}`);
      const [plainName, plainVersion] = [name, version].map(decodeURIComponent);
      return { url, name: plainName ?? "", version: plainVersion ?? "", arch, size: Number(size), sha256 };
    });
}

/** Names that `apt-get install` could not find, in order, from its messages. */
export function missingPackages(text: string): string[] {
  const found = text.matchAll(
    /^E: (?:Unable to locate package (\S+)|Package '([^']+)' has no installation candidate|Version '[^']*' for '([^']+)' was not found)$/gm,
  );
  return [...new Set([...found].map(([, located, candidate, version]) => located ?? candidate ?? version ?? ""))];
}

/** apt's explanation of unmet dependencies, one entry per package, without its hints. */
export function unmetDependencies(text: string): string[] {
  return [...text.matchAll(/^ (\S+ : (?:Depends|PreDepends|Conflicts|Breaks): .+)$/gm)].map(([, line = ""]) => line);
}

/** Which suites hold which versions: keys `name version suite`, from `apt-cache madison`. */
export function parseMadison(text: string): Set<string> {
  const rows = text.matchAll(/^ *(\S+) \| +(\S+) \| \S+ ([^/ ]+)\/\S+ \S+ Packages$/gm);
  return new Set([...rows].map(([, name, version, suite]) => `${name} ${version} ${suite}`));
}

/** Name of the source package in a stanza of `apt-cache show`: its Source field, else the package's own name. */
export function sourceName(stanza: string): string | undefined {
  return /^Source: (\S+)/m.exec(stanza)?.[1] ?? /^Package: (\S+)/m.exec(stanza)?.[1];
}

/** Package and Version of each stanza of `apt-cache show`, sorted by name. */
export const parseOffers = (text: string): { name: string; version: string }[] =>
  text
    .split("\n\n")
    .flatMap((stanza) => {
      const name = /^Package: (\S+)$/m.exec(stanza)?.[1];
      const version = /^Version: (\S+)$/m.exec(stanza)?.[1];
      return name === undefined || version === undefined ? [] : [{ name, version }];
    })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** One repository that this machine's apt is configured with. `origin` is undefined where its index was never read. */
export type ConfiguredRepository = { readonly uri: string; readonly origin: string | undefined };

/** Format for `apt-get indextargets`, read by {@link parseIndexTargets}. */
export const INDEX_TARGET_FORMAT = "$(REPO_URI)|$(ORIGIN)";

/**
 * Repositories from `apt-get indextargets --format` {@link INDEX_TARGET_FORMAT}, each once, in order. apt leaves
 * `$(ORIGIN)` as it is where it has no Release file.
 */
export function parseIndexTargets(text: string): ConfiguredRepository[] {
  const origins = new Map<string, string | undefined>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("|");
    if (at < 1) continue;
    const uri = line.slice(0, at);
    const origin = line.slice(at + 1);
    const known = origin === "" || origin === "$(ORIGIN)" ? undefined : origin;
    origins.set(uri, origins.get(uri) ?? known);
  }
  return [...origins].map(([uri, origin]) => ({ uri, origin }));
}

/** The lines of `apt-config dump` that say which proxy apt uses for http and https, as they are. */
export const proxySettings = (dump: string): string[] =>
  dump.split("\n").filter((line) => /^Acquire::https?::Proxy(-Auto-Detect)?(::[^\s"]+)? "[^"]+";$/i.test(line));

/**
 * Proxy settings of apt (apt-transport-http(1)) as the variables that other programs read. A host that is set to
 * `DIRECT` goes into no_proxy; a proxy for one host or a detection program has no variable.
 */
export function proxyVariables(settings: readonly string[]): Record<string, string> {
  const rows = settings.map((line) => /^Acquire::(https?)::Proxy(?:::(\S+))? "([^"]*)";$/i.exec(line) ?? []);
  const isProxy = (value: string) => value !== "" && !/^(DIRECT|false)$/i.test(value);
  const direct = rows.flatMap(([, , host, value]) => (host !== undefined && value === "DIRECT" ? [host] : []));
  return {
    ...Object.fromEntries(
      rows.flatMap(([, scheme = "", host, value = ""]) =>
        host === undefined && isProxy(value) ? [[`${scheme.toLowerCase()}_proxy`, value]] : [],
      ),
    ),
    ...(direct.length === 0 ? {} : { no_proxy: direct.join(",") }),
  };
}

/** Why a repository was not taken: it was signed by someone else, is past its Valid-Until, lacks the suite, or no answer. */
export type UpdateFailure = {
  readonly kind: "signature" | "expired" | "missing" | "unreachable";
  /** apt's words, on one line */
  readonly reason: string;
};

/** One line, without its `E: ` and without the user part of a URL. */
const plainReason = (line: string): string =>
  line
    .slice(3)
    .replaceAll(/\s+/g, " ")
    .replaceAll(/:\/\/[^/@\s]*@/g, "://");

const CLASSES: readonly (readonly [UpdateFailure["kind"], RegExp])[] = [
  [
    "signature",
    /GPG error|NO_PUBKEY|BADSIG|EXPKEYSIG|REVKEYSIG|signatures? (?:couldn't be verified|were invalid)|verification failed|is not signed|Clearsigned file isn't valid/i,
  ],
  ["expired", /Release file for .* (?:is expired|is not valid yet)/],
  ["missing", /\b404\b|\b410\b|does not have a Release file|doesn't have the component|doesn't support architecture/],
];

/** Sorts the messages of a failed `apt-get update`. Whatever speaks of a signature counts as that. */
export function classifyUpdateFailure(output: string): UpdateFailure {
  const messages = output.split("\n").filter((line) => /^[EWN]: /.test(line));
  for (const [kind, pattern] of CLASSES) {
    const found = messages.find((line) => pattern.test(line));
    if (found !== undefined) return { kind, reason: plainReason(found) };
  }
  return { kind: "unreachable", reason: plainReason(messages[0] ?? "E: apt-get update failed") };
}

import { setGlobalProxyFromEnv } from "node:http";
import { stat } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";
import { describePackage, type LockedPackage } from "../contract/lock.ts";
import type { PackageBase, PackageLocations } from "../contract/package-request.ts";
import type { Report } from "../contract/progress.ts";
import { blobPath } from "./cache.ts";
import { download, type DownloadOptions, type SourceFailure } from "./download.ts";
import { sideBySide } from "./side-by-side.ts";
import { timed } from "./step.ts";

export type FetchOptions = Pick<DownloadOptions, "signal" | "pauses" | "idle"> & {
  readonly packages: readonly LockedPackage[];
  /** where packages may be; not called if all are in the cache */
  readonly locate: () => Promise<PackageLocations>;
  /** cacheRoot of cache.ts */
  readonly cache: string;
  readonly report: Report;
};

export type FetchOutcome =
  /** all are in the cache; `reused` were there before; `bytes` came over the network */
  | { readonly kind: "complete"; readonly fetched: number; readonly reused: number; readonly bytes: number }
  /** these are gone: every source said so itself, but for optional ones that could not be asked */
  | { readonly kind: "gone"; readonly packages: readonly LockedPackage[] };

const PARALLEL = 6;

/**
 * URL of a pool path below a base. Each segment is escaped, so the path can name nothing but a file below the base.
 * @throws TypeError if `base` has no final slash
 */
export function poolUrl(base: URL, path: string): URL {
  const url = new URL(path.split("/").map(encodeURIComponent).join("/"), base);
  if (!url.href.startsWith(base.href) || !base.pathname.endsWith("/"))
    throw new TypeError(`${path} is not below ${base.href}`);
  return url;
}

/**
 * Existence and size are enough here: whoever uses a blob hashes it first, and the cache takes in nothing unhashed.
 */
const isCached = (cache: string, locked: LockedPackage): Promise<boolean> =>
  stat(blobPath(cache, locked.sha256)).then(
    (found) => found.size === locked.size,
    () => false,
  );

/** What the sources of a fetch showed of themselves so far. */
type Experience = {
  /** per suite, the base that had the last package: it most likely has the next one */
  readonly preferred: Map<string, PackageBase | undefined>;
  /** servers that gave something */
  readonly answered: Set<string>;
  /** servers that never answered, and why: asking them again for every package would take minutes */
  readonly silent: Map<string, string>;
};

/** Whether failures at all sources mean that a package is gone, rather than that nobody could say. */
export function provesGone(failures: readonly SourceFailure[], isOptional: (url: URL) => boolean): boolean {
  const silent = failures.filter(({ kind }) => kind !== "gone");
  return silent.length < failures.length && silent.every(({ url }) => isOptional(url));
}

type Missing = { readonly gone: LockedPackage[]; readonly unavailable: string[] };

/** Asks the sources of one package, the most promising first; returns their failures, none if it was fetched. */
async function fetchOne(
  options: FetchOptions,
  bases: readonly PackageBase[],
  locked: LockedPackage,
  seen: Experience,
  onBytes: (bytes: number) => void,
): Promise<readonly SourceFailure[]> {
  const first = seen.preferred.get(locked.suite);
  const order = bases.toSorted((a, b) => Number(b === first) - Number(a === first));
  const sources = order.map((base) => ({ base, url: poolUrl(base.url, locked.path) }));
  const skipped = sources.flatMap(({ url }): SourceFailure[] => {
    const reason = seen.silent.get(url.origin);
    return reason === undefined ? [] : [{ url, kind: "unreachable", reason }];
  });
  const outcome = await download(
    {
      label: describePackage(locked),
      sha256: locked.sha256,
      size: locked.size,
      blob: blobPath(options.cache, locked.sha256),
      urls: sources.map(({ url }) => url).filter(({ origin }) => !seen.silent.has(origin)),
    },
    { ...options, onBytes },
  );
  if (outcome.kind === "done") {
    seen.preferred.set(locked.suite, sources.find(({ url }) => url === outcome.from)?.base);
    seen.answered.add(outcome.from.origin);
    return [];
  }
  for (const { url, kind, reason } of outcome.failures) {
    if (kind !== "unreachable") seen.answered.add(url.origin);
    else if (!seen.answered.has(url.origin)) seen.silent.set(url.origin, reason);
  }
  return [...outcome.failures, ...skipped];
}

/** Downloads `wanted`, a few at a time; a wrong hash ends it at once, other failures are gathered in `missing`. */
async function fetchAll(
  options: FetchOptions,
  bases: PackageLocations["bases"],
  wanted: readonly LockedPackage[],
  missing: Missing,
): Promise<number> {
  const total = wanted.reduce((sum, locked) => sum + locked.size, 0);
  const seen: Experience = { preferred: new Map(), answered: new Set(), silent: new Map() };
  let present = 0;
  const one = async (locked: LockedPackage, signal: AbortSignal) => {
    const sources = bases.get(locked.suite) ?? [];
    const onBytes = (bytes: number) => {
      present += bytes;
      options.report({ event: "action", step: "fetch", text: locked.name, done: present, total, unit: "bytes" });
    };
    if (sources.length === 0) {
      missing.unavailable.push(`${describePackage(locked)}: there is no source to ask`);
      return;
    }
    const failures = await fetchOne({ ...options, signal }, sources, locked, seen, onBytes);
    const isOptional = (url: URL) => sources.some((base) => base.optional && url.href.startsWith(base.url.href));
    if (failures.length === 0) return;
    if (provesGone(failures, isOptional)) missing.gone.push(locked);
    else {
      const reasons = failures.map(({ url, reason }) => `${url.host}: ${reason}`);
      missing.unavailable.push(`${describePackage(locked)}: ${reasons.join("; ")}`);
    }
  };
  await sideBySide(wanted, PARALLEL, options.signal, one);
  return present;
}

/**
 * Brings packages into the content-addressed cache, by hash.
 * @throws BuildError InputDigestMismatch (a server sent other bytes than locked; nothing of them is kept),
 * InputMissing (no source could be reached for some, each with the reason); AbortError if `signal` fires
 */
export async function fetchPackages(options: FetchOptions): Promise<FetchOutcome> {
  const unique = [...new Map(options.packages.map((locked) => [locked.sha256, locked])).values()];
  const cached = await Promise.all(unique.map((locked) => isCached(options.cache, locked)));
  const wanted = unique.filter((_, index) => cached[index] === false);
  const reused = unique.length - wanted.length;
  if (wanted.length === 0) return { kind: "complete", fetched: 0, reused, bytes: 0 };
  const missing: Missing = { gone: [], unavailable: [] };
  const { bases, proxies } = await options.locate();
  const restoreProxies = setGlobalProxyFromEnv({ ...proxies });
  try {
    const bytes = await timed(options.report, "fetch", async () => {
      const value = await fetchAll(options, bases, wanted, missing);
      return { value, bytes: value };
    });
    if (missing.gone.length > 0) {
      return { kind: "gone", packages: unique.filter((locked) => missing.gone.includes(locked)) };
    }
    if (missing.unavailable.length === 0) return { kind: "complete", fetched: wanted.length, reused, bytes };
  } finally {
    restoreProxies();
  }
  throw new BuildError({
    code: "InputMissing",
    step: "fetch",
    message: `${missing.unavailable.length === 1 ? "1 package" : `${missing.unavailable.length} packages`} could not be fetched:\n  ${missing.unavailable.toSorted().join("\n  ")}`,
    remedy: "check the network and the archive's sources, then run the same command again: it goes on where it stopped",
  });
}

import { setGlobalProxyFromEnv } from "node:http";
import { stat } from "node:fs/promises";
import { BuildError } from "../contract/build-failure.ts";
import { describePackage, type LockedPackage } from "../contract/lock.ts";
import type { PackageLocations } from "../contract/package-request.ts";
import type { Report } from "../contract/progress.ts";
import { blobPath } from "./cache.ts";
import { download, type DownloadOptions } from "./download.ts";
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
  /** these are on none of the sources any more, as each of them said itself */
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

type Failures = { readonly gone: LockedPackage[]; readonly unavailable: string[] };

/** Downloads `wanted`, a few at a time; a wrong hash ends it at once, other failures are gathered. */
async function fetchAll(
  options: FetchOptions,
  bases: PackageLocations["bases"],
  wanted: readonly LockedPackage[],
  failures: Failures,
): Promise<number> {
  const total = wanted.reduce((sum, locked) => sum + locked.size, 0);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  /** per suite, the base that had the last package: it most likely has the next one */
  const preferred = new Map<string, URL | undefined>();
  let present = 0;
  const one = async (locked: LockedPackage) => {
    const rank = (base: URL) => (base === preferred.get(locked.suite) ? 0 : 1);
    const order = (bases.get(locked.suite) ?? []).toSorted((a, b) => rank(a) - rank(b));
    const urls = order.map((base) => poolUrl(base, locked.path));
    const outcome = await download(
      {
        label: describePackage(locked),
        sha256: locked.sha256,
        size: locked.size,
        blob: blobPath(options.cache, locked.sha256),
        urls,
      },
      {
        ...options,
        signal,
        onBytes: (bytes) => {
          present += bytes;
          options.report({ event: "action", step: "fetch", text: locked.name, done: present, total, unit: "bytes" });
        },
      },
    );
    if (outcome.kind === "done") preferred.set(locked.suite, order[urls.indexOf(outcome.from)]);
    else if (outcome.kind === "gone") failures.gone.push(locked);
    else failures.unavailable.push(`${describePackage(locked)}: ${outcome.reasons.join("; ")}`);
  };
  const queue = wanted[Symbol.iterator]();
  const worker = async () => {
    try {
      for (const locked of queue) await one(locked);
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: PARALLEL }, worker));
  if (ended.some((outcome) => outcome.status === "rejected")) throw signal.reason;
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
  const failures: Failures = { gone: [], unavailable: [] };
  const { bases, proxies } = await options.locate();
  const restoreProxies = setGlobalProxyFromEnv({ ...proxies });
  try {
    const bytes = await timed(options.report, "fetch", async () => {
      const value = await fetchAll(options, bases, wanted, failures);
      return { value, bytes: value };
    });
    if (failures.gone.length > 0) {
      return { kind: "gone", packages: unique.filter((locked) => failures.gone.includes(locked)) };
    }
    if (failures.unavailable.length === 0) return { kind: "complete", fetched: wanted.length, reused, bytes };
  } finally {
    restoreProxies();
  }
  throw new BuildError({
    code: "InputMissing",
    step: "fetch",
    message: `${failures.unavailable.length} packages could not be fetched:\n  ${failures.unavailable.toSorted().join("\n  ")}`,
    remedy: "check the network and the archive's sources, then run the same command again: it goes on where it stopped",
  });
}

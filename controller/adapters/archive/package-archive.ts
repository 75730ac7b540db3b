import { join } from "node:path";
import type { LockedSuite } from "../../../builders/contract/lock.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { ArchiveDefinition, PackageArchive, Resolution, ResolveRequest } from "../../ports/package-archive.ts";
import { openAptDirectory, updateIndexes } from "./apt-directory.ts";
import { proxyVariables, type UpdateFailure } from "./apt-output.ts";
import { solve } from "./apt-solver.ts";
import { snapshotTimestamp, timestampDate } from "./in-release.ts";
import { type Candidate, candidates, type HostApt, readHostApt } from "./sources.ts";

export type PackageArchiveOptions = {
  /** the class's archives, by name */
  readonly archives: Readonly<Record<string, ArchiveDefinition>>;
  /** folder of the keyrings that archives name */
  readonly keyrings: string;
  /** of the process: only the proxy variables are read */
  readonly env: Readonly<Record<string, string | undefined>>;
};

const PROXY_VARIABLES = ["http_proxy", "https_proxy", "no_proxy"];
const DAY = 24 * 3600 * 1000;

/**
 * States of an archive in which a snapshot service has the packages of a locked suite. Where no snapshot was asked for:
 * a day after the index's date, since the service takes a state some hours after that date and archives keep
 * superseded files for longer, then the date itself.
 */
const packageTimestamps = ({ snapshot, date }: LockedSuite): string[] =>
  snapshot === null ? [snapshotTimestamp(new Date(timestampDate(date).getTime() + DAY)), date] : [snapshot];

type Tried = {
  readonly kind: string;
  readonly base: URL | undefined;
  readonly failure: Omit<UpdateFailure, "kind"> & { kind: UpdateFailure["kind"] | "unusable" };
};

/** A URL as people may see it: a password in a host's apt source stays there. */
const shown = (url: URL | undefined): string => {
  if (url === undefined) return "";
  const copy = new URL(url);
  copy.username = "";
  copy.password = "";
  return ` ${copy.href}`;
};

function unavailable(request: ResolveRequest, tried: readonly Tried[]): ReleaseError {
  const list = tried.map(({ kind, base, failure }) => `\n  ${kind}${shown(base)}: ${failure.reason}`).join("");
  const suites = [request.suite, ...request.rolling.map((entry) => entry.suite)];
  const what = `${request.archive} ${[...new Set(suites)].join(" and ")} for ${request.arch}`;
  if (tried.some(({ failure }) => failure.kind === "signature")) {
    return new ReleaseError(
      "SignatureInvalid",
      `no source serves ${what} with a signature by the archive's keyring:${list}`,
      "check the archive's keyring in the class; if it is right, do not trust the source and ask whoever runs it",
    );
  }
  return new ReleaseError(
    "ArchiveUnavailable",
    `no source serves ${what}:${list}`,
    "check the network and the archive's sources in the class; imgrel uses no other source than these",
  );
}

/** Archives read by the host's apt in directories of its own (apt-get(8), sources.list(5), apt_preferences(5)). */
export function createPackageArchive(options: PackageArchiveOptions): PackageArchive {
  const env = Object.fromEntries(
    PROXY_VARIABLES.flatMap((name) => (options.env[name] === undefined ? [] : [[name, options.env[name]]])),
  );
  const definitionOf = (name: string): ArchiveDefinition => {
    const definition = Object.hasOwn(options.archives, name) ? options.archives[name] : undefined;
    if (definition !== undefined) return definition;
    throw new ReleaseError(
      "NotFound",
      `the class has no archive named ${name}`,
      `name one of: ${Object.keys(options.archives).toSorted().join(", ")}`,
    );
  };
  let host: Promise<HostApt> | undefined;
  const hostApt = (signal: AbortSignal) => () => {
    host ??= readHostApt(signal);
    return host;
  };

  async function attempt(candidate: Candidate, request: ResolveRequest, keyring: string, signal: AbortSignal) {
    const settings = { ...candidate, request, keyring: join(options.keyrings, keyring), env, signal };
    await using directory = await openAptDirectory(settings);
    const update = await updateIndexes(directory, settings);
    if ("failure" in update) return update;
    const [own, ...others] = update.suites;
    if (
      own !== undefined &&
      candidate.kind !== "snapshot" &&
      request.snapshot !== null &&
      own.date > request.snapshot
    ) {
      const reason = `its index is of ${own.date}, later than the snapshot ${request.snapshot}`;
      return { failure: { kind: "missing", reason } satisfies UpdateFailure };
    }
    const packages = await solve(directory, candidate.base, request);
    const snapshot = candidate.kind === "snapshot" ? request.snapshot : null;
    const suites: LockedSuite[] = [
      ...(own === undefined ? [] : [{ ...own, snapshot: request.snapshot }]),
      ...others.map((suite) => ({ ...suite, snapshot })),
    ];
    return { resolution: { suites, packages } satisfies Resolution };
  }

  return {
    async resolve(request, signal) {
      const { sources, keyring } = definitionOf(request.archive);
      const timestamps = request.snapshot === null ? [] : [request.snapshot];
      const tried: Tried[] = [];
      for (const candidate of await candidates(request.archive, sources, timestamps, hostApt(signal))) {
        if ("reason" in candidate) {
          tried.push({
            kind: candidate.kind,
            base: undefined,
            failure: { kind: "unusable", reason: candidate.reason },
          });
          continue;
        }
        const outcome = await attempt(candidate, request, keyring, signal);
        if ("resolution" in outcome) return outcome.resolution;
        tried.push({ kind: candidate.kind, base: candidate.base, failure: outcome.failure });
        // whoever runs the class said that this is the archive: a wrong signature there is an alarm, not a detour
        if (outcome.failure.kind === "signature" && candidate.kind !== "system") break;
      }
      throw unavailable(request, tried);
    },

    async locate(lock, signal) {
      const bases = new Map<string, readonly URL[]>();
      let proxies: Record<string, string> = env;
      for (const suite of lock.suites) {
        const { sources } = definitionOf(suite.archive);
        const found = await candidates(suite.archive, sources, packageTimestamps(suite), hostApt(signal));
        const usable = found.filter((candidate) => "base" in candidate);
        bases.set(
          suite.suite,
          usable.map((candidate) => candidate.base),
        );
        // a proxy variable of the process is more specific than the setting of the machine's apt
        proxies = { ...proxyVariables(usable.flatMap((candidate) => candidate.settings)), ...proxies };
      }
      return { bases, proxies };
    },
  };
}

import { join } from "node:path";
import type { LockedSuite } from "../../../builders/contract/lock.ts";
import type { PackageBase, ResolveRequest } from "../../../builders/contract/package-request.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { ArchiveDefinition, PackageArchive } from "../../ports/package-archive.ts";
import { type AptDirectory, openAptDirectory, updateIndexes } from "./apt-directory.ts";
import { proxyVariables, type UpdateFailure } from "./apt-output.ts";
import { listKernels, solve } from "./apt-solver.ts";
import { snapshotTimestamp, timestampDate } from "./in-release.ts";
import { type Candidate, candidates, type HostApt, readHostApt, type Unusable } from "./sources.ts";
import { describeRequest, type Tried, unavailable } from "./unavailable.ts";

export type AptArchiveOptions = {
  /** the class's archives, by name */
  readonly archives: Readonly<Record<string, ArchiveDefinition>>;
  /** folder of the keyrings that archives name */
  readonly keyrings: string;
  /** of the process: only the proxy variables are read */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** what this machine's apt is set up with; left out: it is asked */
  readonly host?: (signal: AbortSignal) => Promise<HostApt>;
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

const triedInVain = ({ kind, reason }: Unusable): Tried => ({
  kind,
  base: undefined,
  failure: { kind: "unusable", reason },
});

/** An apt directory with verified indexes of a request's suites. */
type Served = {
  readonly directory: AptDirectory;
  readonly base: URL;
  /** the request's own first */
  readonly suites: LockedSuite[];
};

/** Archives read by the host's apt in directories of its own (apt-get(8), sources.list(5), apt_preferences(5)). */
export function createAptArchive(options: AptArchiveOptions): PackageArchive {
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
    host ??= (options.host ?? readHostApt)(signal);
    return host;
  };

  /** Suites as a lock names them; the present state of an archive is a snapshot's if nothing changed since that. */
  function asOf(
    candidate: Candidate,
    request: ResolveRequest,
    suites: LockedSuite[],
  ): { readonly suites: LockedSuite[] } | { readonly failure: UpdateFailure } {
    const own = suites[0]?.date ?? "";
    if (candidate.kind !== "snapshot" && request.snapshot !== null && own > request.snapshot) {
      const reason = `its index is of ${own}, later than the snapshot ${request.snapshot}`;
      return { failure: { kind: "missing", reason } };
    }
    const rolling = candidate.kind === "snapshot" ? request.snapshot : null;
    return { suites: suites.map((suite) => ({ ...suite, snapshot: suite.rolling ? rolling : request.snapshot })) };
  }

  async function attempt<T>(
    candidate: Candidate,
    request: ResolveRequest,
    signal: AbortSignal,
    use: (served: Served) => Promise<T>,
  ): Promise<{ readonly value: T } | { readonly failure: UpdateFailure }> {
    const keyring = join(options.keyrings, definitionOf(request.archive).keyring);
    const settings = { ...candidate, request, keyring, env, signal };
    await using directory = await openAptDirectory(settings);
    const update = await updateIndexes(directory, settings);
    if ("failure" in update) return update;
    const read = asOf(candidate, request, update.suites);
    if ("failure" in read) return read;
    return { value: await use({ directory, base: candidate.base, suites: read.suites }) };
  }

  /** Uses the first source that serves all suites of the request. */
  async function served<T>(
    request: ResolveRequest,
    signal: AbortSignal,
    use: (served: Served) => Promise<T>,
  ): Promise<T> {
    const { sources } = definitionOf(request.archive);
    const timestamps = request.snapshot === null ? [] : [request.snapshot];
    const tried: Tried[] = [];
    for (const candidate of await candidates(request.archive, sources, timestamps, hostApt(signal))) {
      if ("reason" in candidate) {
        tried.push(triedInVain(candidate));
        continue;
      }
      const outcome = await attempt(candidate, request, signal, use);
      if ("value" in outcome) return outcome.value;
      tried.push({ kind: candidate.kind, base: candidate.base, failure: outcome.failure });
      // whoever runs the class said that this is the archive: a wrong signature there is an alarm, not a detour
      if (outcome.failure.kind === "signature" && candidate.kind !== "system") break;
    }
    throw unavailable(describeRequest(request), tried);
  }

  return {
    resolve: (request, signal) =>
      served(request, signal, async ({ directory, base, suites }) => ({
        suites,
        packages: await solve(directory, base, request),
      })),

    kernels: (request, signal) => served(request, signal, ({ directory }) => listKernels(directory)),

    async locate(lock, signal) {
      const bases = new Map<string, readonly PackageBase[]>();
      let proxies: Record<string, string> = env;
      for (const suite of lock.suites) {
        const { sources } = definitionOf(suite.archive);
        const found = await candidates(suite.archive, sources, packageTimestamps(suite), hostApt(signal));
        const usable = found.filter((candidate) => "base" in candidate);
        const useless = found.filter((candidate) => "reason" in candidate);
        if (usable.length === 0) throw unavailable(`${suite.archive} ${suite.suite}`, useless.map(triedInVain));
        // a snapshot service is optional unless the class has nothing else
        const isOptional = ({ kind }: Candidate) => kind === "snapshot" && usable.some((other) => other.kind !== kind);
        bases.set(
          suite.suite,
          usable.map((candidate) => ({ url: candidate.base, optional: isOptional(candidate) })),
        );
        // a proxy variable of the process is more specific than the setting of the machine's apt
        proxies = { ...proxyVariables(usable.flatMap((candidate) => candidate.settings)), ...proxies };
      }
      return { bases, proxies };
    },
  };
}

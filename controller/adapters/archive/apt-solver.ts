import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LockedPackage } from "../../../builders/contract/lock.ts";
import type { ResolveRequest } from "../../../builders/contract/package-request.ts";
import { compareDpkgVersions } from "../../domain/dpkg-version.ts";
import { ReleaseError } from "../../domain/errors.ts";
import type { KernelOffer } from "../../domain/kernel-package.ts";
import type { AptDirectory } from "./apt-directory.ts";
import { rollingSuites } from "./apt-directory.ts";
import {
  missingPackages,
  parseOffers,
  parseMadison,
  parsePrintUris,
  type PlannedPackage,
  sourceName,
  unmetDependencies,
} from "./apt-output.ts";

const pin = (what: string, suite: string, priority: number): string =>
  // a suite can be asked for by either of its names
  ["a", "n"].map((key) => `Package: ${what}\nPin: release ${key}=${suite}\nPin-Priority: ${priority}\n`).join("\n");

/**
 * Preferences (apt_preferences(5)) that let only the named packages come from a rolling suite: at priority 1 a version
 * is taken if no other suite has the package at all. `sources` names source packages whose binaries come along.
 */
export const rollingPins = (request: ResolveRequest, sources: ReadonlyMap<string, string>): string =>
  [
    ...request.rolling.flatMap(({ name, suite }) => {
      const source = sources.get(name);
      return [pin(name, suite, 990), ...(source === undefined ? [] : [pin(`src:${source}`, suite, 990)])];
    }),
    ...rollingSuites(request).map((suite) => pin("*", suite, 1)),
  ].join("\n");

const requestedNames = (request: ResolveRequest): string[] => [
  ...new Set([...request.packages, ...request.rolling.map((entry) => entry.name)]),
];

type Plan = { readonly planned: PlannedPackage[] } | { readonly refused: string };

async function plan(
  directory: AptDirectory,
  request: ResolveRequest,
  sources: ReadonlyMap<string, string>,
): Promise<Plan> {
  await writeFile(join(directory.path, "etc/apt/preferences.d/rolling.pref"), rollingPins(request, sources));
  const essential = `?narrow(?or(?archive(^${request.suite}$),?codename(^${request.suite}$)),?essential)`;
  const outcome = await directory.run("apt-get", [
    ...["-q", "-y", "-o", "Acquire::ForceHash=sha256", "--print-uris", "install"],
    essential,
    ...requestedNames(request),
  ]);
  return outcome.exitCode === 0 ? { planned: parsePrintUris(outcome.stdout) } : { refused: outcome.output };
}

/** Source packages of the rolling packages, by package name. */
async function rollingSources(directory: AptDirectory, request: ResolveRequest): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const { name, suite } of request.rolling) {
    const shown = await directory.run("apt-cache", ["show", "--no-all-versions", `${name}/${suite}`]);
    const source = sourceName(shown.stdout);
    if (source !== undefined) sources.set(name, source);
  }
  return sources;
}

const describeSuite = (request: ResolveRequest): string => `${request.archive} ${request.suite} (${request.arch})`;

function refusal(request: ResolveRequest, output: string): ReleaseError {
  const missing = missingPackages(output);
  if (missing.length > 0) {
    return new ReleaseError(
      "NotFound",
      `${describeSuite(request)} does not have: ${missing.join(", ")}`,
      "correct the names; if a pinned kernel is gone, run: imgrel bump",
    );
  }
  const unmet = unmetDependencies(output);
  const errors = output.split("\n").filter((line) => line.startsWith("E: "));
  return new ReleaseError(
    "NotFound",
    `no set of packages of ${describeSuite(request)} fulfils the request: ${(unmet.length > 0 ? unmet : errors).join("; ")}`,
    "take out the package that the message names, or ask for a suite that has what it needs",
  );
}

/** Which suite each planned package comes from: the request's own if it has that version, else a rolling one. */
async function suitesOf(
  directory: AptDirectory,
  request: ResolveRequest,
  planned: readonly PlannedPackage[],
): Promise<(found: PlannedPackage) => string> {
  const others = rollingSuites(request);
  if (others.length === 0) return () => request.suite;
  const listed = await directory.run("apt-cache", ["madison", ...planned.map((found) => found.name)]);
  const held = parseMadison(listed.stdout);
  return ({ name, version }) =>
    [request.suite, ...others].find((suite) => held.has(`${name} ${version} ${suite}`)) ?? request.suite;
}

function checkMinimumVersions(request: ResolveRequest, packages: readonly LockedPackage[]): void {
  for (const { name, suite, minVersion } of request.rolling) {
    const version = packages.find((found) => found.name === name)?.version;
    if (version !== undefined && compareDpkgVersions(version, minVersion) >= 0) continue;
    throw new ReleaseError(
      "NotFound",
      `${request.archive} ${suite} has ${name} ${version}, at least ${minVersion} is needed`,
      "lower minVersion if the older one will do, or name a suite that has the newer one",
    );
  }
}

/** Path in the archive's pool: what apt's URL adds to the base. */
function poolPath(base: URL, url: string): string {
  if (!url.startsWith(base.href)) throw new Error(`apt plans to download from elsewhere than ${base.href}`);
  return decodeURIComponent(url.slice(base.href.length));
}

/**
 * Lets apt's own solver choose: the essential packages of the request's suite, the requested ones and what they
 * depend on, without recommendations. If it finds no solution with only the rolling packages taken from their suites,
 * the other binaries of the same source packages may come from there too.
 * @throws ReleaseError NotFound naming packages or versions that the suites lack; ZodError if an index names a
 * package, version or path that a lock cannot hold
 */
export async function solve(directory: AptDirectory, base: URL, request: ResolveRequest): Promise<LockedPackage[]> {
  let result = await plan(directory, request, new Map());
  if ("refused" in result && request.rolling.length > 0) {
    result = await plan(directory, request, await rollingSources(directory, request));
  }
  if ("refused" in result) throw refusal(request, result.refused);
  const suiteOf = await suitesOf(directory, request, result.planned);
  const packages = result.planned.map((found) =>
    LockedPackage.parse({
      name: found.name,
      version: found.version,
      arch: found.arch,
      size: found.size,
      sha256: found.sha256,
      path: poolPath(base, found.url),
      role: request.role,
      suite: suiteOf(found),
    }),
  );
  const names = new Set(packages.map((found) => found.name));
  const absent = requestedNames(request).filter((name) => !names.has(name));
  if (absent.length > 0) {
    throw new ReleaseError(
      "NotFound",
      `${describeSuite(request)} has no package of its own named ${absent.join(", ")}`,
      "name the package that provides it",
    );
  }
  checkMinimumVersions(request, packages);
  return packages;
}

/** All versioned kernel packages (`linux-image-…`) of an apt directory, each with the version apt would install. */
export async function listKernels(directory: AptDirectory): Promise<KernelOffer[]> {
  const known = await directory.run("apt-cache", ["pkgnames", "linux-image-"]);
  const names = known.stdout.split("\n").filter((name) => name !== "");
  if (names.length === 0) return [];
  const shown = await directory.run("apt-cache", ["show", "--no-all-versions", ...names]);
  return parseOffers(shown.stdout);
}

import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { digestOf } from "../../../builders/contract/digest.ts";
import type { LockedSuite } from "../../../builders/contract/lock.ts";
import type { ResolveRequest } from "../../../builders/contract/package-request.ts";
import { type Outcome, PLAIN_ENV } from "../../../builders/host/exec.ts";
import { classifyUpdateFailure, type UpdateFailure } from "./apt-output.ts";
import { inReleaseDate } from "./in-release.ts";
import { runHostTool } from "./host-tool.ts";

/** apt with a state of its own: no source, key, setting, cache or installed package of the host. */
export type AptDirectory = AsyncDisposable & {
  readonly path: string;
  /** runs an apt program against it; messages go to `output`, both streams in order */
  readonly run: (program: string, args: readonly string[]) => Promise<Outcome & { readonly output: string }>;
};

export type AptDirectoryOptions = {
  readonly base: URL;
  readonly request: ResolveRequest;
  /** path of the keyring that the archive's indexes must be signed with */
  readonly keyring: string;
  /** lines for apt.conf: the proxy that the host's apt uses */
  readonly settings: readonly string[];
  /** http_proxy and the like */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
};

const FOLDERS = [
  ...["etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d"],
  ...["var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg", "var/log/apt"],
];

const settingsFile = (folder: string, options: AptDirectoryOptions): string =>
  [
    `Dir "${folder}";`,
    `Dir::State::status "${folder}/var/lib/dpkg/status";`,
    `APT::Architecture "${options.request.arch}";`,
    `APT::Architectures { "${options.request.arch}"; };`,
    'APT::Install-Recommends "false";',
    'APT::Install-Suggests "false";',
    'APT::Cmd::Pattern-Only "true";', // a name that does not exist must not be taken for a regular expression
    'pkgCacheGen::ForceEssential ",";', // only what the archive marks: apt counts itself as essential otherwise
    'APT::Sandbox::User "root";', // the directory is ours alone, so _apt could not read it
    'APT::Update::Error-Mode "any";',
    'Acquire::Languages "none";',
    'Acquire::Retries "2";',
    'Acquire::http::Timeout "30";',
    'Acquire::https::Timeout "30";',
    ...options.settings,
    "",
  ].join("\n");

/** deb822-style sources (sources.list(5)): the suite asked for, and each rolling suite with its Valid-Until waived. */
function sourcesFile(options: AptDirectoryOptions): string {
  const { request, base } = options;
  const stanza = (suite: string, extra: readonly string[]): string =>
    [
      "Types: deb",
      `URIs: ${base.href}`,
      `Suites: ${suite}`,
      `Components: ${request.components.join(" ")}`,
      `Architectures: ${request.arch}`,
      ...extra,
      "",
    ].join("\n");
  return [
    stanza(request.suite, []),
    ...rollingSuites(request).map((suite) => stanza(suite, ["Check-Valid-Until: no"])),
  ].join("\n");
}

/** The rolling suites of a request, each once; the request's own suite is never one of them. */
export const rollingSuites = (request: ResolveRequest): string[] => [
  ...new Set(request.rolling.map((entry) => entry.suite).filter((suite) => suite !== request.suite)),
];

/**
 * Makes a private apt directory for one base URL. Nothing is downloaded yet. Disposing removes it.
 * @throws NodeJS.ErrnoException if the keyring cannot be read
 */
export async function openAptDirectory(options: AptDirectoryOptions): Promise<AptDirectory> {
  const path = await mkdtemp(join(tmpdir(), "imgrel-apt-"));
  const dispose = () => rm(path, { recursive: true, force: true });
  try {
    for (const folder of FOLDERS) await mkdir(join(path, folder), { recursive: true });
    // the only key there is; unlike Signed-By, this holds where the folder's path has a space
    await copyFile(options.keyring, join(path, "etc/apt/trusted.gpg.d", basename(options.keyring)));
    await writeFile(join(path, "apt.conf"), settingsFile(path, options));
    await writeFile(join(path, "var/lib/dpkg/status"), "");
    await writeFile(join(path, "etc/apt/sources.list.d/archive.sources"), sourcesFile(options));
  } catch (error) {
    await dispose();
    throw error;
  }
  const env = { ...PLAIN_ENV, ...options.env, APT_CONFIG: join(path, "apt.conf"), HOME: path };
  return {
    path,
    run: (program, args) => runHostTool({ program, args, env, signal: options.signal }),
    [Symbol.asyncDispose]: dispose,
  };
}

async function readSuite(directory: AptDirectory, options: AptDirectoryOptions, suite: string): Promise<LockedSuite> {
  const { request } = options;
  const lists = join(directory.path, "var/lib/apt/lists");
  const names = await readdir(lists);
  const name = names.find((entry) => entry.endsWith(`_dists_${suite}_InRelease`));
  if (name === undefined) throw new Error(`apt-get update succeeded without an InRelease of ${suite}`);
  const content = await readFile(join(lists, name));
  const rolling = suite !== request.suite;
  return {
    archive: request.archive,
    suite,
    components: [...request.components],
    snapshot: null,
    inRelease: digestOf(content),
    date: inReleaseDate(content.toString("utf8")),
    keyring: basename(options.keyring),
    rolling,
  };
}

/** The first index that apt did not bring: the repository has no such component or architecture. */
async function absentIndex(directory: AptDirectory, request: ResolveRequest): Promise<string | undefined> {
  const names = await readdir(join(directory.path, "var/lib/apt/lists"));
  return [request.suite, ...rollingSuites(request)]
    .flatMap((suite) => request.components.map((component) => ({ suite, component })))
    .filter(({ suite, component }) => {
      const index = `_dists_${suite}_${component}_binary-${request.arch}_Packages`;
      return !names.some((name) => name.includes(index));
    })
    .map(({ suite, component }) => `${suite} has no component ${component} for ${request.arch}`)[0];
}

/**
 * Reads the signed indexes of all suites of the request: `apt-get update`. A signature that the keyring does not
 * verify, an index past its Valid-Until (but for rolling suites) or a missing suite makes it a failure, never less.
 * @returns the suites as a lock names them (of the present state), the request's own first, or why the base URL does
 * not serve them
 */
export async function updateIndexes(
  directory: AptDirectory,
  options: AptDirectoryOptions,
): Promise<{ readonly suites: LockedSuite[] } | { readonly failure: UpdateFailure }> {
  const outcome = await directory.run("apt-get", ["-q", "update"]);
  if (outcome.exitCode !== 0) return { failure: classifyUpdateFailure(outcome.output) };
  const absent = await absentIndex(directory, options.request);
  if (absent !== undefined) return { failure: { kind: "missing", reason: absent } };
  const suites: LockedSuite[] = [];
  for (const suite of [options.request.suite, ...rollingSuites(options.request)]) {
    suites.push(await readSuite(directory, options, suite));
  }
  return { suites };
}

import { decideBump, editRelease } from "../domain/bump.ts";
import { ReleaseError } from "../domain/errors.ts";
import { composeLock, releaseRequest, toolchainRequest } from "../domain/lock-request.ts";
import { goneOf, planRefresh, type RefreshAction } from "../domain/refresh.ts";
import { type RefreshChanges, refreshMessage, refreshSummary } from "../domain/refresh-report.ts";
import {
  checkTools,
  RELEASE_FILE,
  type ReleaseFolder,
  releaseFiles,
  releasePath,
  samePackages,
} from "../domain/release-folder.ts";
import { type ToolchainLocks, toolchainDigest, toolchainFiles } from "../domain/toolchain-locks.ts";
import type { SpecRepository } from "../ports/spec-repository.ts";
import { bumpRelease } from "./bump-release.ts";
import { type ObservedRelease, observeRelease, type PinPorts } from "./observe-release.ts";

export type RefreshOptions = {
  /** name of the release */
  readonly release: string;
  /** what a toolchain's lock is made from (builders/toolchain/packages.json) */
  readonly toolchainPackages: Parameters<typeof toolchainRequest>[0];
  readonly now: Date;
  readonly signal: AbortSignal;
};

export type Refreshed = {
  readonly folder: ReleaseFolder;
  readonly toolchains: ToolchainLocks;
  /** the last commit that touched the release */
  readonly commit: string;
  /** what was committed, on one line; null: nothing had to be */
  readonly summary: string | null;
};

type State = { readonly folder: ReleaseFolder; readonly toolchains: ToolchainLocks };

const stillGone = (gone: readonly string[]): ReleaseError =>
  new ReleaseError(
    "ArchiveUnavailable",
    `the archive's index still names packages that none of its sources has:\n  ${gone.join("\n  ")}`,
    "try again later, or from another mirror: this one is not complete",
  );

/** Carries out one action of the plan on what the actions before it made. */
async function perform(
  action: RefreshAction,
  { folder, toolchains }: State,
  found: ObservedRelease,
  { archive }: PinPorts,
  { toolchainPackages, now, signal }: RefreshOptions,
): Promise<State> {
  const { spec } = folder.release;
  switch (action.kind) {
    case "make-toolchain-lock": {
      const request = toolchainRequest(toolchainPackages, action.arch);
      const lock = composeLock(request, await archive.resolve(request, signal), null);
      const old = toolchains.get(action.arch);
      if (old !== undefined && samePackages(old, lock)) throw stillGone(goneOf(found.arches));
      return { folder, toolchains: new Map(toolchains).set(action.arch, lock) };
    }
    case "make-first-lock": {
      const request = releaseRequest(spec, action.arch);
      const resolution = found.resolutions.get(action.arch) ?? (await archive.resolve(request, signal));
      const lock = composeLock(request, resolution, toolchainDigest(toolchains, action.arch));
      return { folder: { ...folder, locks: new Map(folder.locks).set(action.arch, lock) }, toolchains };
    }
    case "bump-release": {
      const options = { before: folder, toolchains, used: found.used, now, newestKernels: false };
      const bumped = await bumpRelease(archive, options, signal);
      if (bumped === null) throw stillGone(goneOf(found.arches));
      return { folder: bumped, toolchains };
    }
    case "rename-toolchain": {
      const bump = decideBump(spec, { used: found.used, snapshot: null, offers: {}, newestKernels: false });
      const edited = editRelease(folder.text, `${releasePath(folder.name)}/${RELEASE_FILE}`, bump);
      const locks = new Map(folder.locks);
      for (const arch of action.arches) {
        const lock = locks.get(arch);
        if (lock !== undefined) locks.set(arch, { ...lock, toolchain: toolchainDigest(toolchains, arch) });
      }
      return { folder: { ...folder, ...edited, locks }, toolchains };
    }
  }
}

/**
 * Makes a release of a repository buildable from the archives as they are today, and commits what that takes: first
 * locks, a bump where pins are gone, a new toolchain lock where its pins are gone. The packages of a lock that stays
 * are on this machine afterwards.
 * @throws ReleaseError, BuildError as observeRelease and bumpRelease; ArchiveUnavailable if the archive's index and its
 * files do not fit; PushConflict
 */
export async function refreshRelease(
  repository: SpecRepository,
  ports: PinPorts,
  options: RefreshOptions,
): Promise<Refreshed> {
  let outcome: (State & { readonly last: string | null; readonly summary: string | null }) | undefined;
  const { commit, changed } = await repository.commit(async (tip) => {
    const found = await observeRelease(ports, tip, options.release, options.signal);
    const last = await tip.lastCommitOf(releasePath(options.release));
    let state: State = found;
    for (const action of planRefresh(found.arches)) state = await perform(action, state, found, ports, options);
    outcome = { folder: state.folder, toolchains: state.toolchains, last, summary: null };
    checkTools(state.folder, state.toolchains);
    if (state === found) return null;
    const changes: RefreshChanges = {
      before: found.folder,
      after: state.folder,
      toolchains: [...state.toolchains].flatMap(([arch, to]) => {
        const from = found.toolchains.get(arch) ?? null;
        return from === to ? [] : [{ arch, from, to }];
      }),
      gone: goneOf(found.arches),
    };
    outcome = { ...outcome, summary: refreshSummary(changes) };
    const files = [...releaseFiles(state.folder)].map(([name, content]) => {
      return { path: `${releasePath(state.folder.name)}/${name}`, content };
    });
    const locks = [...toolchainFiles(state.toolchains)].map(([path, content]) => ({ path, content }));
    return { changes: [...files, ...locks], message: refreshMessage(changes) };
  });
  const at = changed ? commit : outcome?.last;
  if (outcome === undefined || at === null || at === undefined) {
    throw new Error("a release that was read from a repository was committed there");
  }
  return { folder: outcome.folder, toolchains: outcome.toolchains, commit: at, summary: outcome.summary };
}
